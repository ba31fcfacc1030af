package report

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticks puts labels at 1, 2 or 5 times a power of ten.
type ticks struct{}

// Ticks implements plot.Ticker with four to nine ticks.
func (ticks) Ticks(low, high float64) []plot.Tick {
	step := niceStep((high - low) / 4)
	var out []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+1e-9*step; i++ {
		out = append(out, plot.Tick{Value: i * step, Label: tickLabel(i*step, step)})
	}
	return out
}

// niceStep is the largest of 1, 2 or 5 times a power of ten up to width.
func niceStep(width float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(width)))
	switch {
	case 5*power <= width:
		return 5 * power
	case 2*power <= width:
		return 2 * power
	}
	return power
}

// tickLabel prints v to the step's precision.
func tickLabel(v, step float64) string {
	switch {
	case v == 0:
		return "0"
	case step < 1e-4 || math.Abs(v) >= 1e6:
		return strconv.FormatFloat(roundTo(v, step), 'g', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', max(0, -int(math.Floor(math.Log10(step)+1e-9))), 64)
}

// roundTo drops the digits far below the step, which arithmetic left.
func roundTo(v, step float64) float64 {
	digits := int(math.Ceil(math.Log10(math.Abs(v)/step))) + 2
	s := strconv.FormatFloat(v, 'g', max(1, digits), 64)
	out, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return v
	}
	return out
}
