package kernels

import (
	"math"
	"testing"
)

func TestSwiGLUAndItsGradient(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(11), NewPool(3)
		defer p.Close()
		for _, n := range []int{1, 2, 16, 17, 100, 1536} {
			const rows = 4
			ldgu, ldy := 2*n+1, n+3
			gu, dy := random(rng, rows*ldgu), random(rng, rows*ldy)
			for i := range gu {
				gu[i] *= 6
			}
			gu[0] = -100
			y := make([]float32, rows*ldy)
			want, grad := make([]float64, rows*ldy), make([]float64, rows*ldgu)
			for i := range rows {
				grad[i*ldgu+2*n] = float64(gu[i*ldgu+2*n])
				for j := range n {
					g, u, d := float64(gu[i*ldgu+j]), float64(gu[i*ldgu+n+j]), float64(dy[i*ldy+j])
					s := 1 / (1 + math.Exp(-g))
					want[i*ldy+j] = g * s * u
					grad[i*ldgu+j] = d * u * (s + g*s*(1-s))
					grad[i*ldgu+n+j] = d * g * s
				}
			}
			SwiGLU(p, rows, n, gu, ldgu, y, ldy)
			near(t, "y", y, want, 1e-4)
			SwiGLUBackward(p, rows, n, gu, ldgu, dy, ldy, gu, ldgu)
			near(t, "gradient in place", gu, grad, 1e-4)
		}
	})
}
