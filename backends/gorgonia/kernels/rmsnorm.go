package kernels

import "math"

// RMSNorm sets y = w·x·inv for each row of x [rows,n], inv = 1/√(mean(x²)+eps)
// (Zhang and Sennrich 2019, equation 4, with LlamaRMSNorm's eps). inv [rows] is
// kept for the backward pass; it may be nil.
func RMSNorm(p *Pool, rows, n int, x []float32, ldx int, w []float32, eps float32, y []float32, ldy int, inv []float32) {
	check("x", x, rows, n, ldx)
	check("y", y, rows, n, ldy)
	checkLen("w", w, n)
	p.For(rows, grainFor(rows, 2*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := x[i*ldx : i*ldx+n]
			mean := active.dot(row, row) / float32(n)
			s := float32(1 / math.Sqrt(float64(mean+eps)))
			active.scaleMul(y[i*ldy:i*ldy+n], s, row, w)
			if inv != nil {
				inv[i] = s
			}
		}
	})
}

// RMSNormBackward adds the gradient of x to dx, or sets dx to it without
// accumulate, and adds the gradient of w to dw. dw may be nil; dx may be dy.
//
//	dx = inv·w·dy - x·inv³·mean(dy·w·x)      dw = Σ_rows dy·x·inv
func RMSNormBackward(p *Pool, rows, n int, x []float32, ldx int, w, inv, dy []float32, lddy int, accumulate bool, dx []float32, lddx int, dw []float32) {
	check("x", x, rows, n, ldx)
	check("dy", dy, rows, n, lddy)
	check("dx", dx, rows, n, lddx)
	checkLen("w", w, n)
	checkLen("inv", inv, rows)
	if dw != nil {
		checkLen("dw", dw, n)
		p.For(n, columnGrain(p, n), func(lo, hi int) {
			for i := range rows {
				active.mulAdd(dw[lo:hi], inv[i], dy[i*lddy+lo:i*lddy+hi], x[i*ldx+lo:i*ldx+hi])
			}
		})
	}
	p.For(rows, grainFor(rows, 4*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			xi, dyi := x[i*ldx:i*ldx+n], dy[i*lddy:i*lddy+n]
			s := inv[i]
			c := s * s * s * active.dot3(dyi, w, xi) / float32(n)
			if dxi := dx[i*lddx : i*lddx+n]; accumulate {
				active.normGradAdd(dxi, dyi, w, xi, s, c)
			} else {
				active.normGrad(dxi, dyi, w, xi, s, c)
			}
		}
	})
}
