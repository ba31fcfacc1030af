package results

import (
	"math"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Stat is the value of a metric over the documents of a task or group.
type Stat struct {
	Value, StdErr float64 // StdErr is NaN where there is but one document
	N             int
}

// Stats are by task or group, and then by metric.
type Stats map[string]map[string]Stat

// z95 is the normal distribution's quantile of 97.5 %.
const z95 = 1.959963984540054

// interval is the 95 % confidence interval.
func (s Stat) interval() (low, high float64) {
	return s.Value - z95*s.StdErr, s.Value + z95*s.StdErr
}

// summarize returns the mean and its standard error, sqrt(sum (x-mean)^2 /
// (n-1)) / sqrt(n).
func summarize(values []float64) Stat {
	n := float64(len(values))
	mean := py.Sum(values) / n
	if len(values) < 2 {
		return Stat{mean, math.NaN(), len(values)}
	}
	squares := make([]float64, len(values))
	for i, v := range values {
		squares[i] = (v - mean) * (v - mean)
	}
	return Stat{mean, math.Sqrt(py.Sum(squares)/(n-1)) / math.Sqrt(n), len(values)}
}

// weighted is the mean over the documents of all parts; its standard error is
// that of the pooled variance, sqrt([sum (n_i-1) se_i^2 n_i / (N-k)] / N).
func weighted(parts []Stat) Stat {
	products, variances := make([]float64, len(parts)), make([]float64, len(parts))
	total := 0
	for i, p := range parts {
		n := float64(p.N)
		products[i] = p.Value * n
		variances[i] = (n - 1) * (p.StdErr * p.StdErr) * n
		total += p.N
	}
	pooled := py.Sum(variances) / float64(total-len(parts))
	return Stat{py.Sum(products) / float64(total), math.Sqrt(pooled / float64(total)), total}
}

// unweighted is the plain mean of the parts; its standard error is
// sqrt(sum se_i^2) / k.
func unweighted(parts []Stat) Stat {
	values, squares := make([]float64, len(parts)), make([]float64, len(parts))
	total := 0
	for i, p := range parts {
		values[i], squares[i] = p.Value, p.StdErr*p.StdErr
		total += p.N
	}
	k := float64(len(parts))
	return Stat{py.Sum(values) / k, math.Sqrt(py.Sum(squares)) / k, total}
}
