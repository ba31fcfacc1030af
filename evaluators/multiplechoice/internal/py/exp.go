package py

import "math"

// Exp returns e**x rounded to the nearest float64. So do the C library in all but
// one case in hundreds, and NumPy in nine of ten; math.Exp is off in the last
// bit more often, and the last bit shows in a file of results.
func Exp(x float64) float64 {
	if rough := math.Exp(x); rough == 0 || math.IsInf(rough, 0) || math.IsNaN(rough) {
		return rough
	}
	// x = k ln 2 + 256 r, |r| < 0.0014; ln 2 in two parts, k times the first exact.
	const ln2High, ln2Low = 0x1.62e42feep-1, 0x1.a39ef35793c76p-33
	k := math.Round(x / math.Ln2)
	r := sumOf(x-k*ln2High, -k*ln2Low)
	r = double{r.high / 256, r.low / 256}
	// e**r by Taylor's series, innermost term first; then to the power of 256.
	p := double{high: 1}
	for i := 9.0; i >= 1; i-- {
		p = p.times(r).over(i).plusOne()
	}
	for range 8 {
		p = p.times(p)
	}
	return math.Ldexp(p.high+p.low, int(k))
}

// double is an unevaluated sum of two float64, high the nearest to it.
type double struct{ high, low float64 }

// sumOf adds exactly (Knuth's two-sum).
func sumOf(a, b float64) double {
	s := a + b
	t := s - a
	return double{s, (a - (s - t)) + (b - t)}
}

func (a double) times(b double) double {
	p := a.high * b.high
	return sumOf(p, math.FMA(a.high, b.high, -p)+(a.high*b.low+a.low*b.high))
}

func (a double) over(n float64) double {
	q := a.high / n
	return sumOf(q, (math.FMA(-q, n, a.high)+a.low)/n)
}

func (a double) plusOne() double {
	s := sumOf(1, a.high)
	return sumOf(s.high, s.low+a.low)
}
