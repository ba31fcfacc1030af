package report

import (
	"html/template"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// modelCharts draw the held-out pairs as each model sees them, S to M_T: the
// paper's Figure 2 on data that no model has trained on.
func modelCharts(r *run) ([]chart, error) {
	if len(r.summary.Models) < 2 || len(heldoutNames(r.summary)) == 0 {
		return nil, nil
	}
	var out []chart
	for _, of := range []struct {
		title, note string
		bounds      []float64
		get         func(record.Gamma) float64
	}{
		{"γ of each model on held-out pairs", "mean of logp(chosen) − logp(rejected), nats; the dashed line is 0: no preference", []float64{0}, func(g record.Gamma) float64 { return g.Mean }},
		{"Pairs that each model ranks right", "share of held-out pairs with γ > 0", []float64{0, 1}, func(g record.Gamma) float64 { return g.RewardAccuracy }},
	} {
		c := chart{Title: of.title, Note: of.note}
		for i, source := range heldoutNames(r.summary) {
			c.Legend = append(c.Legend, legend{i, source})
		}
		var err error
		if c.SVG, err = drawModels(of.title, r, of.bounds, of.get); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func drawModels(title string, r *run, bounds []float64, get func(record.Gamma) float64) (template.HTML, error) {
	p := newPlot()
	for i, source := range heldoutNames(r.summary) {
		var points plotter.XYs
		for x, m := range r.summary.Models {
			if g, ok := m.Gamma[source]; ok && drawable(get(g)) {
				points = append(points, plotter.XY{X: float64(x), Y: get(g)})
			}
		}
		if len(points) == 0 {
			continue
		}
		dots := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{
			Color: lineColor(i, false), Radius: vg.Points(3), Shape: draw.CircleGlyph{},
		}}
		p.Add(drawLine(points, lineColor(i, false), 1.5), dots)
	}
	fitY(p, bounds)
	p.Add(drawDashes(plotter.XYs{{X: -0.3}, {X: float64(len(r.summary.Models)) - 0.7}}))
	p.X.Tick.Marker = modelTicks(r.summary)
	return svg(p, chartWidth, chartHeight, title)
}

// modelTicks names the models along the axis, about twelve of them.
func modelTicks(s record.Summary) plot.ConstantTicks {
	every := int(math.Ceil(float64(len(s.Models)) / 12))
	var out plot.ConstantTicks
	for i, m := range s.Models {
		if i%every == 0 || i == len(s.Models)-1 {
			out = append(out, plot.Tick{Value: float64(i), Label: m.Name})
		}
	}
	return out
}
