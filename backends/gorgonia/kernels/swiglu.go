package kernels

// SwiGLU sets y [rows,n] = silu(gate)·up, silu(x) = x/(1+e^-x), where each row of
// gu [rows,2n] is gate then up (Shazeer 2020, "GLU variants improve transformer").
func SwiGLU(p *Pool, rows, n int, gu []float32, ldgu int, y []float32, ldy int) {
	check("gu", gu, rows, 2*n, ldgu)
	check("y", y, rows, n, ldy)
	p.For(rows, grainFor(rows, 8*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := gu[i*ldgu : i*ldgu+2*n]
			active.swiGLU(y[i*ldy:i*ldy+n], row[:n], row[n:])
		}
	})
}

// SwiGLUBackward sets dgu [rows,2n] from dy [rows,n]; dgu may be gu.
//
//	dgate = dy·up·σ(gate)·(1 + gate·(1-σ(gate)))      dup = dy·silu(gate)
func SwiGLUBackward(p *Pool, rows, n int, gu []float32, ldgu int, dy []float32, lddy int, dgu []float32, lddgu int) {
	check("gu", gu, rows, 2*n, ldgu)
	check("dy", dy, rows, n, lddy)
	check("dgu", dgu, rows, 2*n, lddgu)
	p.For(rows, grainFor(rows, 8*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row, grad := gu[i*ldgu:i*ldgu+2*n], dgu[i*lddgu:i*lddgu+2*n]
			active.swiGLUGrad(grad[:n], grad[n:], row[:n], row[n:], dy[i*lddy:i*lddy+n])
		}
	})
}
