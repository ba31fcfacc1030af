package kernels

// chunk is the number of elements of a vector that one thread takes at a time. Sums
// over vectors are sums of chunks in order, so it is part of their bits.
const chunk = 1 << 15

// SumSquares returns the sum of squares of x in float64: of a gradient, the square
// of its norm.
func SumSquares(p *Pool, x []float32) float64 {
	parts := make([]float64, (len(x)+chunk-1)/chunk)
	p.For(len(x), chunk, func(lo, hi int) {
		parts[lo/chunk] = active.sumSquares(x[lo:hi])
	})
	var sum float64
	for _, v := range parts {
		sum += v
	}
	return sum
}

// Add sets dst = x + y. dst may be x or y.
func Add(p *Pool, dst, x, y []float32) {
	checkLen("y", y, len(x))
	checkLen("dst", dst, len(x))
	p.For(len(x), chunk, func(lo, hi int) { active.add(dst[lo:hi], x[lo:hi], y[lo:hi]) })
}

// FillRows sets each of the rows of c [rows,n] to row, a bias.
func FillRows(p *Pool, rows, n int, row, c []float32, ldc int) {
	check("c", c, rows, n, ldc)
	checkLen("row", row, n)
	p.For(rows, grainFor(rows, n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			copy(c[i*ldc:i*ldc+n], row)
		}
	})
}

// AddRowsTo adds the sum of the rows of x [rows,n] to dst [n]: a bias's gradient.
func AddRowsTo(p *Pool, rows, n int, x []float32, ldx int, dst []float32) {
	check("x", x, rows, n, ldx)
	checkLen("dst", dst, n)
	p.For(n, columnGrain(p, n), func(lo, hi int) {
		for i := range rows {
			active.axpy(1, x[i*ldx+lo:i*ldx+hi], dst[lo:hi])
		}
	})
}

// columnGrain splits n columns for sums over rows, where each thread owns whole
// columns.
func columnGrain(p *Pool, n int) int {
	each := (n + p.Threads() - 1) / p.Threads()
	return max(64, (each+15)/16*16)
}
