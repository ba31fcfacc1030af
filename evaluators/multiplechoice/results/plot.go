package results

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// Of a plot: the width of a benchmark, at least, and the part of it that is bars.
const (
	benchmarkWidth = 1.1 * vg.Inch
	barWidth       = 0.25 * vg.Inch
	barsOf         = 0.7
)

// WritePlot draws the results of every model as bars with their 95 % confidence
// intervals. The extension of path (.png, .svg, .pdf) is the format.
func (c *Comparison) WritePlot(path string) error {
	p := plot.New()
	p.Y.Label.Text = "per cent"
	p.Y.Min, p.Y.Max = 0, 100+8*float64(len(c.models)) // room for the legend
	p.Legend.Top = true
	entries := c.entries()
	var titles []string
	for _, e := range entries {
		titles = append(titles, strings.ReplaceAll(e.title(), " ", "\n"))
	}
	p.NominalX(titles...)
	n := vg.Length(len(c.models))
	width := max(benchmarkWidth, n*barWidth/barsOf)
	for i, m := range c.models {
		if err := addBars(p, m, i, len(c.models), entries, width*barsOf/n); err != nil {
			return fmt.Errorf("plot of %q: %w", m.Model, err)
		}
	}
	p.X.Min, p.X.Max = -0.5, float64(len(entries))-0.5
	return p.Save(width*vg.Length(len(entries))+vg.Inch, 4*vg.Inch, path)
}

// addBars adds the bars of model i of n, beside those of the others.
func addBars(p *plot.Plot, m *File, i, n int, entries []entry, width vg.Length) error {
	bars := intervals{}
	shift := barsOf * (float64(i) - float64(n-1)/2) / float64(n)
	values := make(plotter.Values, len(entries))
	for j, e := range entries {
		s := m.Stats[e.name][e.metric]
		values[j] = s.Value * e.percent
		if math.IsNaN(values[j]) {
			values[j] = 0 // no bar
		}
		half := z95 * s.StdErr * e.percent
		if math.IsNaN(half) {
			half = 0
		}
		bars.XYs = append(bars.XYs, plotter.XY{X: float64(j) + shift, Y: values[j]})
		bars.YErrors = append(bars.YErrors, struct{ Low, High float64 }{min(half, values[j]), min(half, 100-values[j])})
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
