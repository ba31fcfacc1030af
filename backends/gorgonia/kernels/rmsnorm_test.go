package kernels

import (
	"math"
	"testing"
)

func TestRMSNormAndItsGradient(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(10), NewPool(3)
		defer p.Close()
		for _, n := range []int{1, 2, 17, 64, 100, 576} {
			const rows, eps = 11, 1e-5
			ldx, ldy := n+1, n+2
			x, w, dy := random(rng, rows*ldx), random(rng, n), random(rng, rows*ldy)
			y, inv := make([]float32, rows*ldy), make([]float32, rows)
			before := random(rng, rows*ldx)
			want, dx, dw := make([]float64, rows*ldy), make([]float64, rows*ldx), make([]float64, n)
			for i := range rows {
				var square, mix float64
				for j := range n {
					square += float64(x[i*ldx+j]) * float64(x[i*ldx+j])
					mix += float64(dy[i*ldy+j]) * float64(w[j]) * float64(x[i*ldx+j])
				}
				s := 1 / math.Sqrt(square/float64(n)+eps)
				for j := range n {
					xj, d := float64(x[i*ldx+j]), float64(dy[i*ldy+j])
					want[i*ldy+j] = float64(w[j]) * xj * s
					dx[i*ldx+j] = s*float64(w[j])*d - xj*s*s*s*mix/float64(n)
					dw[j] += d * xj * s
				}
			}
			RMSNorm(p, rows, n, x, ldx, w, eps, y, ldy, inv)
			near(t, "y", y, want, 1e-5)
			grad, gw := make([]float32, rows*ldx), make([]float32, n)
			RMSNormBackward(p, rows, n, x, ldx, w, inv, dy, ldy, false, grad, ldx, gw)
			near(t, "dx", grad, dx, 2e-5)
			near(t, "dw", gw, dw, 2e-5)
			copy(grad, before)
			for i := range dx {
				dx[i] += float64(before[i])
			}
			RMSNormBackward(p, rows, n, x, ldx, w, inv, dy, ldy, true, grad, ldx, nil)
			near(t, "dx accumulated", grad, dx, 2e-5)
		}
	})
}
