package report

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"gonum.org/v1/plot/plotter"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// chartsIn lists the drawings by their titles.
func chartsIn(doc *html.Node) map[string]*html.Node {
	out := map[string]*html.Node{}
	for _, s := range elements(doc, "svg") {
		out[attribute(s, "aria-label")] = s
	}
	return out
}

var pathPoint = regexp.MustCompile(`[ML](-?[\d.e+-]+),(-?[\d.e+-]+)`)

// curves lists the lines of a colour as points on the canvas.
func curves(t *testing.T, svg *html.Node, color string) [][][2]float64 {
	t.Helper()
	var out [][][2]float64
	for _, path := range elements(svg, "path") {
		if style := attribute(path, "style"); !strings.Contains(style, "stroke:"+color) || strings.Contains(style, "opacity") {
			continue
		}
		var line [][2]float64
		for _, m := range pathPoint.FindAllStringSubmatch(attribute(path, "d"), -1) {
			x, err := strconv.ParseFloat(m[1], 64)
			check(t, err)
			y, err := strconv.ParseFloat(m[2], 64)
			check(t, err)
			line = append(line, [2]float64{x, y})
		}
		out = append(out, line)
	}
	return out
}

func TestEveryPromisedChart(t *testing.T) {
	one, _ := render(t, twoSteps().write(t, "run"))
	got := chartsIn(one)
	for _, title := range []string{"Loss", "Rewards", "Log-probabilities", "Reward accuracy", "Gradient norm", "Learning rate", "γ of each model on held-out pairs", "Pairs that each model ranks right"} {
		if got[title] == nil {
			t.Errorf("no chart %q", title)
		}
	}
	if len(got) != 8 || len(elements(one, "svg")) != 8 {
		t.Errorf("%d charts of %d titles", len(elements(one, "svg")), len(got))
	}
	two, _ := render(t, twoSteps().write(t, "a"), twoSteps().write(t, "b"))
	got = chartsIn(two)
	for _, title := range []string{"Loss", "rewards/chosen", "rewards/rejected", "rewards/margins", "logps/chosen", "logps/rejected", "Reward accuracy", "Gradient norm", "Learning rate"} {
		if got[title] == nil {
			t.Errorf("no chart %q of two runs", title)
		}
	}
}

// A chart is true where the canvas' coordinates are one affine function of the
// file's numbers, the same for all of its lines.
func TestLinesFollowTheNumbers(t *testing.T) {
	f := twoSteps()
	doc, _ := render(t, f.write(t, "run"))
	for title, numbers := range map[string]func(record.Metrics) []float64{
		"Loss":              func(m record.Metrics) []float64 { return []float64{m.Loss} },
		"Rewards":           func(m record.Metrics) []float64 { return []float64{m.RewardsChosen, m.RewardsRejected, m.Margins} },
		"Log-probabilities": func(m record.Metrics) []float64 { return []float64{m.LogpsChosen, m.LogpsRejected} },
		"Reward accuracy":   func(m record.Metrics) []float64 { return []float64{m.Accuracies} },
		"Gradient norm":     func(m record.Metrics) []float64 { return []float64{m.GradNorm} },
		"Learning rate":     func(m record.Metrics) []float64 { return []float64{m.LearningRate} },
	} {
		var drawn [][2]float64
		var values []float64
		for i := range numbers(f.metrics[0]) {
			lines := curves(t, chartsIn(doc)[title], fmt.Sprintf("var(--line%d)", i))
			if len(lines) != 2 || len(lines[0]) != 20 || len(lines[1]) != 30 {
				t.Fatalf("%s: not a line a step with a point an update", title)
			}
			drawn = slices.Concat(drawn, lines[0], lines[1])
			for _, m := range f.metrics {
				values = append(values, numbers(m)[i])
			}
		}
		compareLines(t, title, 50, drawn, values)
	}
}

// compareLines wants the points of lines of n points each where values say.
func compareLines(t *testing.T, title string, n int, drawn [][2]float64, values []float64) {
	t.Helper()
	low, high := slices.Index(values, slices.Min(values)), slices.Index(values, slices.Max(values))
	scale := (drawn[high][1] - drawn[low][1]) / (values[high] - values[low])
	across := (drawn[n-1][0] - drawn[0][0]) / float64(n-1)
	for i, p := range drawn {
		x := drawn[0][0] + across*float64(i%n)
		y := drawn[low][1] + scale*(values[i]-values[low])
		if math.Abs(p[0]-x) > 0.02 || math.Abs(p[1]-y) > 0.02 {
			t.Errorf("%s: point %d is drawn at %v, want %v, %v", title, i%n+1, p, x, y)
		}
	}
	if scale <= 0 || across <= 0 {
		t.Errorf("%s: the axes run backwards", title)
	}
}

func TestModelChartsFollowTheNumbers(t *testing.T) {
	doc, _ := render(t, twoSteps().write(t, "run"))
	for title, values := range map[string][]float64{
		"γ of each model on held-out pairs": {-3.5, -1.5, 2.5},
		"Pairs that each model ranks right": {0.31, 0.42, 0.63},
	} {
		lines := curves(t, chartsIn(doc)[title], "var(--line0)")
		if len(lines) != 1 || len(lines[0]) != 3 {
			t.Fatalf("%s: %v is not one line with a point a model", title, lines)
		}
		compareLines(t, title, 3, lines[0], values)
		if got := words(chartsIn(doc)[title]); !strings.HasPrefix(got, "S M1 M2") {
			t.Errorf("%s: the models are %q", title, got)
		}
	}
}

func TestStepBoundaryStandsBetweenTheSteps(t *testing.T) {
	doc, _ := render(t, twoSteps().write(t, "run"))
	loss := chartsIn(doc)["Loss"]
	lines := curves(t, loss, "var(--line0)")
	var dashed []float64
	for _, path := range elements(loss, "path") {
		if strings.Contains(attribute(path, "style"), "dasharray") {
			x, err := strconv.ParseFloat(pathPoint.FindStringSubmatch(attribute(path, "d"))[1], 64)
			check(t, err)
			dashed = append(dashed, x)
		}
	}
	if len(dashed) != 1 || dashed[0] <= lines[0][19][0] || dashed[0] >= lines[1][0][0] {
		t.Errorf("boundaries at %v, the steps at %v and %v", dashed, lines[0], lines[1])
	}
	if !strings.Contains(words(loss), "step 2") {
		t.Error("the boundary has no name")
	}
}

func TestLongRunIsThinnedAndKeepsItsSpike(t *testing.T) {
	const updates, at = 100_000, 61_234
	f := twoSteps()
	f.metrics = nil
	for u := range updates {
		f.metrics = append(f.metrics, update(1, u+1, updates))
	}
	f.metrics[at].GradNorm = 100
	doc, text := render(t, f.write(t, "long"))
	if len(text) > 2_000_000 {
		t.Errorf("the page has %d bytes", len(text))
	}
	highest, points := 0.0, 0
	for _, path := range elements(chartsIn(doc)["Gradient norm"], "path") {
		for _, m := range pathPoint.FindAllStringSubmatch(attribute(path, "d"), -1) {
			y, err := strconv.ParseFloat(m[2], 64)
			check(t, err)
			highest = max(highest, y)
			points++
		}
	}
	if points > 3*pointsOfChart {
		t.Errorf("%d points in a chart", points)
	}
	if highest < 0.9*float64(chartHeight) {
		t.Errorf("the spike is gone: the highest point is at %v of %v", highest, chartHeight)
	}
}

func TestThin(t *testing.T) {
	var line plotter.XYs
	for i := range 10_007 {
		line = append(line, plotter.XY{X: float64(i), Y: math.Sin(float64(i) * 1.7)})
	}
	line[4321].Y, line[8765].Y = 9, -9
	got := thin(line, 500)
	if len(got) > 500 || got[0] != line[0] || got[len(got)-1] != line[len(line)-1] {
		t.Errorf("%d points from %v to %v", len(got), got[0], got[len(got)-1])
	}
	if !slices.Contains(got, line[4321]) || !slices.Contains(got, line[8765]) {
		t.Error("the extremes are gone")
	}
	if !slices.IsSortedFunc(got, func(a, b plotter.XY) int { return int(a.X - b.X) }) {
		t.Error("the points are out of order")
	}
}

func TestSmoothIsTheMeanOfTheNeighbours(t *testing.T) {
	line := plotter.XYs{{X: 1, Y: 3}, {X: 2, Y: 6}, {X: 3, Y: 0}, {X: 4, Y: 9}, {X: 5, Y: 1}}
	want := []float64{4.5, 3, 5, 10. / 3, 5}
	for i, p := range smooth(line, 3) {
		if math.Abs(p.Y-want[i]) > 1e-12 || p.X != line[i].X {
			t.Errorf("point %d is %v, want %v", i, p, want[i])
		}
	}
}

func TestTickLabelsSayTheirValues(t *testing.T) {
	for _, span := range [][2]float64{{0, 1}, {0.64, 0.7}, {-3e-7, 5e-7}, {0, 2e-4}, {-1234567, 7654321}, {99, 100}, {1, 100000}, {-0.07, 0.1}} {
		all := ticks{}.Ticks(span[0], span[1])
		if len(all) < 3 || len(all) > 11 {
			t.Errorf("%v: %d ticks", span, len(all))
		}
		for _, tick := range all {
			if got := value(t, tick.Label); math.Abs(got-tick.Value) > 1e-6*(span[1]-span[0]) {
				t.Errorf("%v: the tick at %v says %q", span, tick.Value, tick.Label)
			}
		}
	}
}

func TestNumbersThatCannotBeDrawn(t *testing.T) {
	f := twoSteps()
	for i := range f.metrics {
		m := &f.metrics[i]
		m.Loss, m.GradNorm, m.Margins, m.LogpsChosen = 1e300, 0, 1e18, -1e-300
	}
	f.metrics[3].Margins = 1e18 + 128
	doc, _ := render(t, f.write(t, "run"))
	if n := len(elements(doc, "svg")); n != 8 {
		t.Errorf("%d charts", n)
	}
}
