// Command plot draws what BenchmarkCost measured:
//
//	GOMAXPROCS=1 go test -run '^$' -bench BenchmarkCost -benchtime 1x .. | go run ./plot cost.svg
//
// Lines are models; solid is forward and backward, dashed the log-probabilities.
package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

func main() {
	if err := run(os.Stdin, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, args []string) error {
	if len(args) != 1 {
		return errors.New("one argument is wanted, the file to write (.svg, .png or .pdf)")
	}
	lines, err := read(in)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return errors.New("the input has no result of BenchmarkCost")
	}
	return draw(lines, args[0])
}

// A line is the cost of a token by the length of the sequence.
type line struct {
	work, model string
	points      plotter.XYs // in order of length; microseconds
}

var result = regexp.MustCompile(`^BenchmarkCost/(\w+)/(\w+)/(\d+)(?:-\d+)?\s.*\s([\d.e+]+) cpu-µs/token`)

func read(in io.Reader) ([]*line, error) {
	var lines []*line
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		m := result.FindStringSubmatch(scanner.Text())
		if m == nil {
			continue
		}
		length, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", scanner.Text(), err)
		}
		cost, err := strconv.ParseFloat(m[4], 64)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", scanner.Text(), err)
		}
		i := slices.IndexFunc(lines, func(l *line) bool { return l.work == m[1] && l.model == m[2] })
		if i < 0 {
			i = len(lines)
			lines = append(lines, &line{work: m[1], model: m[2]})
		}
		lines[i].points = append(lines[i].points, plotter.XY{X: length, Y: cost})
	}
	for _, l := range lines {
		slices.SortFunc(l.points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	}
	return lines, scanner.Err()
}

func draw(lines []*line, path string) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "tokens of a sequence", "processor time of a token, µs"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(lengths(lines)), plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid())
	p.Legend.Left, p.Legend.Top = true, true
	p.Legend.XOffs = vg.Points(8)
	var models []string
	for _, l := range lines {
		color := slices.Index(models, l.model)
		if color < 0 {
			color = len(models)
			models = append(models, l.model)
		}
		drawn, err := plotter.NewLine(l.points)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", l.work, l.model, err)
		}
		drawn.Color, drawn.Width = plotutil.Color(color), vg.Points(1.5)
		if l.work == "score" {
			drawn.Dashes = plotutil.Dashes(1)
		}
		p.Add(drawn)
		p.Legend.Add(l.work+" "+l.model, drawn)
	}
	p.Y.Max *= 8 // room for the legend
	return p.Save(6*vg.Inch, 4*vg.Inch, path)
}

// lengths are the ticks of the horizontal axis.
func lengths(lines []*line) []plot.Tick {
	var ticks []plot.Tick
	for _, l := range lines {
		for _, xy := range l.points {
			if !slices.ContainsFunc(ticks, func(t plot.Tick) bool { return t.Value == xy.X }) {
				ticks = append(ticks, plot.Tick{Value: xy.X, Label: fmt.Sprint(xy.X)})
			}
		}
	}
	return ticks
}
