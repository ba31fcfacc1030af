package kernels

import (
	"math"
	"math/big"
	"testing"
)

// all is every 16-bit pattern, and one more so that the last vector is incomplete.
func all() []uint16 {
	x := make([]uint16, 1<<16+1)
	for i := range x {
		x[i] = uint16(i)
	}
	return x
}

// value is a bfloat16's by its definition.
func value(h uint16) float64 {
	const exp, frac = 8, 7 // bits
	e, f := int(h>>frac)&(1<<exp-1), float64(h&(1<<frac-1))
	sign := 1 - 2*float64(h>>15)
	bias := 1<<(exp-1) - 1
	switch {
	case e == 1<<exp-1 && f != 0:
		return math.NaN()
	case e == 1<<exp-1:
		return math.Inf(int(sign))
	case e == 0:
		return sign * math.Ldexp(f, 1-bias-frac)
	}
	return sign * math.Ldexp(1+math.Ldexp(f, -frac), e-bias)
}

func TestWideningIsExact(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		x, got, want := all(), make([]float32, 1<<16+1), make([]float64, 1<<16+1)
		for i, h := range x {
			want[i] = value(h)
		}
		BF16ToF32(nil, got, x)
		near(t, "bf16", got, want, 0)
	})
}

// floats are many float32 of all exponents, and all halfway points between bfloat16
// with their neighbours.
func floats() []float32 {
	x := append([]float32(nil), special...)
	for bits := uint64(0); bits < 1<<32; bits += 104729 {
		x = append(x, math.Float32frombits(uint32(bits)))
	}
	for h := range uint32(1 << 16) {
		for _, d := range []uint32{0, 1, 0x7fff, 0x8000, 0x8001} {
			x = append(x, math.Float32frombits(h<<16+d))
		}
	}
	return x
}

// nearest rounds to bfloat16's 8 bits through math/big, or to a multiple of its least.
func nearest(v float32) float64 {
	const prec = 8
	x, least, most := float64(v), math.Ldexp(1, -133), value(0x7f7f)
	if x != x || math.IsInf(x, 0) || x == 0 {
		return x
	}
	r, _ := new(big.Float).SetPrec(prec).SetMode(big.ToNearestEven).SetFloat64(x).Float64()
	if math.Abs(x) < least*math.Ldexp(1, prec-1) {
		r = math.RoundToEven(x/least) * least
	}
	if math.Abs(r) > most {
		return math.Inf(int(math.Copysign(1, x)))
	}
	return r
}

func TestRoundingIsToNearestEven(t *testing.T) {
	x := floats()
	want := make([]float64, len(x))
	for i, v := range x {
		want[i] = nearest(v)
	}
	everyISA(t, func(t *testing.T) {
		got, back := make([]uint16, len(x)), make([]float32, len(x))
		F32ToBF16(nil, got, x)
		bf16ToF32Go(back, got)
		near(t, "bf16", back, want, 0)
	})
}
