package report

import (
	"math"
	"strconv"
	"strings"

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
	if math.Abs(v) < step/2 {
		return "0"
	}
	digits := int(math.Floor(math.Log10(step) + 1e-9)) // of the step's last digit
	label := strconv.FormatFloat(v, 'f', max(0, -digits), 64)
	if step < 1e-3 || math.Abs(v) >= 1e6 {
		leading := int(math.Floor(math.Log10(math.Abs(v)) + 1e-9))
		label = strconv.FormatFloat(v, 'e', max(0, leading-digits), 64)
		label = exponent.Replace(label)
	}
	return strings.Replace(label, "-", minus, 1)
}

// exponent drops what an exponent does not need.
var exponent = strings.NewReplacer("e-0", "e-", "e+0", "e", "e+", "e")
