package report

import (
	"fmt"
	"html/template"
	"image/color"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stepwise-dpo/stepwise/core/record"
)

const (
	chartWidth, chartHeight = vg.Length(430), vg.Length(190) // points

	// pointsOfChart are shared by a chart's lines; see thin.
	pointsOfChart = 4000
	// smoothFrom is how many updates a run has at least for its noise to be
	// smoothed; smoothParts is how many windows it then has.
	smoothFrom, smoothParts = 150, 50
)

// chart is a drawing with its words.
type chart struct {
	Title, Note string
	Legend      []legend
	SVG         template.HTML
}

// legend is a line's name; Color counts the palette.
type legend struct {
	Color int
	Name  string
}

// curve is one of the numbers of metrics.jsonl.
type curve struct {
	name string
	get  func(record.Metrics) float64
}

// subject is what a chart is of. Where one run is shown, its curves share the
// chart; several runs have a chart a curve.
type subject struct {
	title, note string
	curves      []curve
	noisy       bool      // from batch to batch
	bounds      []float64 // that the axis includes
}

var subjects = []subject{
	{"Loss", "mean over the update's pairs", []curve{{"loss", func(m record.Metrics) float64 { return m.Loss }}}, true, nil},
	{"Rewards", "β (logp − logp of the reference), mean over the update's pairs", []curve{
		{"rewards/chosen", func(m record.Metrics) float64 { return m.RewardsChosen }},
		{"rewards/rejected", func(m record.Metrics) float64 { return m.RewardsRejected }},
		{"rewards/margins", func(m record.Metrics) float64 { return m.Margins }},
	}, true, []float64{0}},
	{"Log-probabilities", "of a completion, a sum of nats, mean over the update's pairs", []curve{
		{"logps/chosen", func(m record.Metrics) float64 { return m.LogpsChosen }},
		{"logps/rejected", func(m record.Metrics) float64 { return m.LogpsRejected }},
	}, true, nil},
	{"Reward accuracy", "share of the update's pairs with a positive margin", []curve{
		{"rewards/accuracies", func(m record.Metrics) float64 { return m.Accuracies }}}, true, []float64{0, 1}},
	{"Gradient norm", "of the whole gradient, before clipping", []curve{
		{"grad_norm", func(m record.Metrics) float64 { return m.GradNorm }}}, true, []float64{0}},
	{"Learning rate", "as used by the update", []curve{
		{"learning_rate", func(m record.Metrics) float64 { return m.LearningRate }}}, false, []float64{0}},
}

// line is a curve of a run in a colour.
type line struct {
	color int
	run   *run
	get   func(record.Metrics) float64
}

// chartsOf draws the metrics over the updates. Runs of a group share a colour.
func chartsOf(groups []group) ([]chart, error) {
	begun := func(r *run) bool { return len(r.metrics) > 0 }
	if !slices.ContainsFunc(groups, func(g group) bool { return slices.ContainsFunc(g.runs, begun) }) {
		return nil, nil
	}
	var out []chart
	for _, s := range subjects {
		charts, lines := splitCurves(s, groups)
		if len(groups) == 1 && len(groups[0].runs) == 1 {
			charts, lines = joinCurves(s, groups[0].runs[0])
		}
		for i, c := range charts {
			var err error
			if c.SVG, err = drawLines(c.Title, s, lines[i]); err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// joinCurves puts all curves of a run into one chart.
func joinCurves(s subject, r *run) ([]chart, [][]line) {
	c := chart{Title: s.title, Note: s.note}
	var lines []line
	for i, curve := range s.curves {
		lines = append(lines, line{i, r, curve.get})
		if len(s.curves) > 1 {
			c.Legend = append(c.Legend, legend{i, curve.name})
		}
	}
	return []chart{c}, [][]line{lines}
}

// splitCurves makes a chart of each curve, with a line a run.
func splitCurves(s subject, groups []group) (charts []chart, lines [][]line) {
	for _, curve := range s.curves {
		c := chart{Title: s.title, Note: s.note}
		if len(s.curves) > 1 {
			c.Title = curve.name
		}
		var of []line
		for i, g := range groups {
			for _, r := range g.runs {
				of = append(of, line{i, r, curve.get})
			}
		}
		charts, lines = append(charts, c), append(lines, of)
	}
	return charts, lines
}

func drawLines(title string, s subject, lines []line) (template.HTML, error) {
	p := newPlot()
	p.X.Label.Text = "update"
	var behind, front []plot.Plotter
	for _, l := range lines {
		for _, part := range l.run.stretches() {
			points := pointsOf(part, l.get)
			n := len(l.run.metrics)
			limit := max(20, pointsOfChart/len(lines)*len(points)/n)
			smoothed := s.noisy && n >= smoothFrom
			behind = append(behind, drawLine(thin(points, limit), lineColor(l.color, smoothed), 1.2))
			if smoothed {
				front = append(front, drawLine(thin(smooth(points, n/smoothParts), limit), lineColor(l.color, false), 1.5))
			}
		}
	}
	p.Add(append(behind, front...)...)
	p.X.Min = 1
	fitY(p, s.bounds)
	if err := markSteps(p, boundaries(lines)); err != nil {
		return "", err
	}
	return svg(p, chartWidth, chartHeight, title)
}

// drawLine is a line of that width in points.
func drawLine(points plotter.XYs, c color.Color, width float64) *plotter.Line {
	return &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: c, Width: vg.Points(width)}}
}

// drawDashes is the line of what is no curve.
func drawDashes(points plotter.XYs) *plotter.Line {
	drawn := drawLine(points, inkColor, 0.7)
	drawn.Dashes = []vg.Length{3, 3}
	return drawn
}

func pointsOf(part stretch, get func(record.Metrics) float64) plotter.XYs {
	var points plotter.XYs
	for i, m := range part.rows {
		if v := get(m); drawable(v) {
			points = append(points, plotter.XY{X: float64(part.start + i + 1), Y: v})
		}
	}
	return points
}

// newPlot is an empty plot in the page's style.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color = gridColor
		axis.Label.TextStyle.Color, axis.Label.TextStyle.Font.Size = inkColor, 9
		axis.Tick.Label.Color, axis.Tick.Label.Font.Size = inkColor, 9
		axis.Tick.LineStyle.Color = gridColor
		axis.Tick.Length = vg.Points(3)
		axis.Tick.Marker = ticks{}
	}
	p.Y.LineStyle.Width, p.Y.Tick.Length = 0, 0
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal.Color = gridColor
	p.Add(grid)
	return p
}

// fitY leaves some air above and below the lines, and takes in the bounds.
func fitY(p *plot.Plot, bounds []float64) {
	low, high := p.Y.Min, p.Y.Max
	if low > high { // nothing drawn
		low, high = 0, 0
	}
	air := 0.06 * (high - low)
	low, high = low-air, high+air
	for _, b := range bounds {
		low, high = min(low, b), max(high, b)
	}
	// Ticks closer than rounding allows would never end.
	if flat := 1e-9 * max(math.Abs(low), math.Abs(high)); high-low <= flat {
		low, high = low-0.5-flat, high+0.5+flat
	}
	if len(bounds) > 0 && bounds[0] == 0 && p.Y.Min >= 0 {
		low = 0
	}
	p.Y.Min, p.Y.Max = low, high
	if p.X.Max <= p.X.Min {
		p.X.Max = p.X.Min + 1
	}
}

// boundaries are the places before the first update of each step but the first,
// with the step.
func boundaries(lines []line) map[float64]int {
	at := map[float64]int{}
	for _, l := range lines {
		for _, s := range l.run.stretches() {
			if s.start > 0 {
				at[float64(s.start)+0.5] = s.step
			}
		}
	}
	return at
}

// labelledSteps is how many boundaries can bear their steps' names.
const labelledSteps = 8

// markSteps draws a line at each boundary, and the step's name above the curves.
func markSteps(p *plot.Plot, at map[float64]int) error {
	if named := len(at) > 0 && len(at) <= labelledSteps; named {
		p.Y.Max += 0.1 * (p.Y.Max - p.Y.Min)
	}
	names := plotter.XYLabels{}
	for _, x := range slices.Sorted(maps.Keys(at)) {
		p.Add(drawDashes(plotter.XYs{{X: x, Y: p.Y.Min}, {X: x, Y: p.Y.Max}}))
		names.XYs = append(names.XYs, plotter.XY{X: x, Y: p.Y.Max})
		names.Labels = append(names.Labels, fmt.Sprintf("step %d", at[x]))
	}
	if len(names.Labels) == 0 || len(names.Labels) > labelledSteps {
		return nil
	}
	labels, err := plotter.NewLabels(names)
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Color, labels.TextStyle[i].Font.Size = inkColor, 8
		labels.TextStyle[i].YAlign = text.YTop
	}
	labels.Offset = vg.Point{X: 4}
	p.Add(labels)
	return nil
}
