package kernels

// Exp sets dst[i] = e^x[i], within 2 units in the last place. dst may be x.
func Exp(p *Pool, dst, x []float32) {
	checkLen("dst", dst, len(x))
	p.For(len(x), chunk, func(lo, hi int) { active.expSum(dst[lo:hi], x[lo:hi], 1, 0) })
}

// SoftmaxRows replaces each row of x [rows,n] by its softmax.
func SoftmaxRows(p *Pool, rows, n int, x []float32, ldx int) {
	check("x", x, rows, n, ldx)
	p.For(rows, grainFor(rows, 4*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := x[i*ldx : i*ldx+n]
			sum := active.expSum(row, row, 1, active.max(row))
			active.scale(1/sum, row)
		}
	})
}
