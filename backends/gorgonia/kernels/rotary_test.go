package kernels

import (
	"math"
	"math/cmplx"
	"testing"
)

func TestRotaryTurnsPairs(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(12), NewPool(3)
		defer p.Close()
		for _, half := range []int{1, 3, 16, 20, 32} {
			const rows, heads, positions = 9, 3, 50
			dim := 2*half + 4
			ld := heads*dim + 1
			r := Rotary{Half: half, Cos: make([]float32, positions*half), Sin: make([]float32, positions*half)}
			angles := random(rng, positions*half)
			for i, a := range angles {
				r.Cos[i], r.Sin[i] = float32(math.Cos(float64(a))), float32(math.Sin(float64(a)))
			}
			pos := make([]int32, rows)
			x := random(rng, rows*ld)
			want, before := make([]float64, len(x)), make([]float64, len(x))
			for i, v := range x {
				want[i], before[i] = float64(v), float64(v)
			}
			for i := range rows {
				pos[i] = int32(rng.IntN(positions))
				for h := range heads {
					for j := range half {
						at := i*ld + h*dim + j
						z := complex(want[at], want[at+half]) * cmplx.Exp(complex(0, float64(angles[int(pos[i])*half+j])))
						want[at], want[at+half] = real(z), imag(z)
					}
				}
			}
			r.Apply(p, rows, heads, dim, x, ld, pos)
			near(t, "turned", x, want, 2e-6)
			r.Undo(p, rows, heads, dim, x, ld, pos)
			near(t, "turned back", x, before, 2e-6)
		}
	})
}

func TestRotaryRefusesMoreThanAHead(t *testing.T) {
	mustPanic(t, "8 of 6 dimensions", func() { Rotary{Half: 4}.Apply(nil, 1, 1, 6, make([]float32, 6), 6, []int32{0}) })
}
