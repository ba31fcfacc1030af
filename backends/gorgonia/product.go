package gorgonia

import "github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"

// The matrix products of a linear map y = x·Wᵀ with W [out, in]. Activations are
// float32; where the arithmetic is bfloat16 they are rounded before the product,
// as the weights are, and the sums stay float32.

// project sets y = x·Wᵀ, or adds it.
func (n *network) project(rows int, x []float32, w *weight, add bool, y []float32) {
	in, out := w.cols, w.rows
	switch {
	case n.half:
		kernels.GemmNT(n.pool, rows, out, in, n.round(0, x[:rows*in]), in, w.half, in, add, y, out)
	case w.half != nil:
		kernels.GemmNT(n.pool, rows, out, in, x, in, w.half, in, add, y, out)
	default:
		kernels.GemmNT(n.pool, rows, out, in, x, in, w.values, in, add, y, out)
	}
}

// projectBack sets dx = dy·W.
func (n *network) projectBack(rows int, dy []float32, w *weight, dx []float32) {
	in, out := w.cols, w.rows
	if n.half {
		kernels.GemmNN(n.pool, rows, in, out, n.round(0, dy[:rows*out]), out, w.half, in, false, dx, in)
		return
	}
	kernels.GemmNN(n.pool, rows, in, out, dy, out, w.values, in, false, dx, in)
}

// learn adds dyᵀ·x to W's gradient.
func (n *network) learn(rows int, dy, x []float32, w *weight) {
	in, out := w.cols, w.rows
	if n.half {
		kernels.GemmTN(n.pool, out, in, rows, n.round(0, dy[:rows*out]), out, n.round(1, x[:rows*in]), in, !w.stale, w.grad, in)
	} else {
		kernels.GemmTN(n.pool, out, in, rows, dy, out, x, in, !w.stale, w.grad, in)
	}
	w.stale = false
}

// round returns x as bfloat16, in one of two buffers.
func (n *network) round(buffer int, x []float32) []uint16 {
	n.rounded[buffer] = grow(n.rounded[buffer], len(x))
	kernels.F32ToBF16(n.pool, n.rounded[buffer], x)
	return n.rounded[buffer]
}
