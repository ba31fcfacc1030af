package multiplechoice

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// WritePlot draws the results of every model as bars with their 95 % confidence
// intervals. The extension of path (.png, .svg, .pdf) is the format.
func (c *Comparison) WritePlot(path string) error {
	p := plot.New()
	p.Y.Label.Text = "per cent"
	p.Y.Min = 0
	p.Legend.Top = true
	entries := c.entries()
	var titles []string
	for _, e := range entries {
		titles = append(titles, e.title())
	}
	p.NominalX(titles...)
	const group = 0.8 // of the distance between benchmarks is bars
	inches := max(4, 0.35*float64(len(entries)*(len(c.models)+1)))
	width := vg.Length(inches) * vg.Inch * vg.Length(group) / vg.Length(float64(len(entries)*len(c.models)))
	for i, m := range c.models {
		if err := addBars(p, m, i, len(c.models), entries, width, group); err != nil {
			return fmt.Errorf("plot of %q: %w", m.Model, err)
		}
	}
	return p.Save(vg.Length(inches)*vg.Inch, 4*vg.Inch, path)
}

// addBars adds the bars of model i of n, beside those of the others.
func addBars(p *plot.Plot, m *Results, i, n int, entries []entry, width vg.Length, group float64) error {
	bars := intervals{}
	shift := group * (float64(i) - float64(n-1)/2) / float64(n)
	values := make(plotter.Values, len(entries))
	for j, e := range entries {
		s := m.all[e.name][e.metric]
		values[j] = s.value * e.percent
		half := z95 * s.stdErr * e.percent
		if math.IsNaN(half) {
			half = 0
		}
		bars.XYs = append(bars.XYs, plotter.XY{X: float64(j) + shift, Y: values[j]})
		bars.YErrors = append(bars.YErrors, struct{ Low, High float64 }{half, half})
	}
	chart, err := plotter.NewBarChart(values, width)
	if err != nil {
		return err
	}
	chart.XMin = shift
	chart.Color = plotutil.Color(i)
	chart.LineStyle.Width = 0
	errorBars, err := plotter.NewYErrorBars(bars)
	if err != nil {
		return err
	}
	p.Add(chart, errorBars)
	p.Legend.Add(m.Model, chart)
	return nil
}

// intervals are points with an error to either side.
type intervals struct {
	plotter.XYs
	plotter.YErrors
}
