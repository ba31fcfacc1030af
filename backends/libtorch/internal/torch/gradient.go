//go:build libtorch

package torch

// #include "native.h"
import "C"

import "github.com/sugarme/gotch/libtch"

// Record runs f with what it computes recorded for Backward.
func Record(f func()) {
	record(true)
	defer record(false)
	f()
}

func record(on bool) {
	mode := 0
	if on {
		mode = 1
	}
	libtch.AtGradSetEnabled(mode)
}

// Leaf returns x without its history, as the start of a new one: Backward adds to
// its gradient.
func (s *Scope) Leaf(x Tensor) Tensor {
	return s.native(func(out *C.tensor, message **C.char) { C.sw_leaf(out, of(x), message) })
}

// Backward adds gradient, that of y, carried back to the leaves that y was computed
// from, to their gradients. What was recorded of y is gone afterwards.
func Backward(y, gradient Tensor) {
	must(func(message **C.char) { C.sw_backward(of(y), of(gradient), message) })
}

// Gradient returns the gradient of a leaf, which may be none.
func (s *Scope) Gradient(x Tensor) Tensor {
	return s.native(func(out *C.tensor, message **C.char) { C.sw_gradient(out, of(x), message) })
}

// ClearGradient leaves x with none.
func ClearGradient(x Tensor) {
	must(func(message **C.char) { C.sw_clear_gradient(of(x), message) })
}

// AddProduct adds a^T b to the gradient of x, in x's type.
func AddProduct(x, a, b Tensor) {
	must(func(message **C.char) { C.sw_add_product(of(x), of(a), of(b), message) })
}

// AddRows adds each row to the row of the gradient of x that index names.
func AddRows(x, index, rows Tensor) {
	must(func(message **C.char) { C.sw_add_rows(of(x), of(index), of(rows), message) })
}

// FoldGradient adds the gradient of from to that of x, and leaves from with none.
func FoldGradient(x, from Tensor) {
	must(func(message **C.char) { C.sw_fold_gradient(of(x), of(from), message) })
}

// GradientNorm returns the L2 norm of all gradients together.
func GradientNorm(xs []Tensor) float64 {
	var norm C.double
	must(func(message **C.char) { C.sw_gradient_norm(&norm, array(xs), C.int(len(xs)), message) })
	return float64(norm)
}

// An AdamW is a step of torch.optim.AdamW, by gradients times Scale.
type AdamW struct {
	Step                                   int // counted from 1
	LearningRate, Beta1, Beta2, Eps, Decay float64
	Scale                                  float64
}

// Apply takes the step for the tensors xs with moments first and second.
func (o AdamW) Apply(xs, first, second []Tensor) {
	must(func(message **C.char) {
		C.sw_adamw(array(xs), array(first), array(second), C.int(len(xs)), C.int64_t(o.Step),
			C.double(o.LearningRate), C.double(o.Beta1), C.double(o.Beta2), C.double(o.Eps), C.double(o.Decay),
			C.double(o.Scale), message)
	})
}

// An RMSprop is a step of torch.optim.RMSprop, by gradients times Scale.
type RMSprop struct {
	LearningRate, Alpha, Eps, Decay float64
	Scale                           float64
}

// Apply takes the step for the tensors xs with running means squares.
func (o RMSprop) Apply(xs, squares []Tensor) {
	must(func(message **C.char) {
		C.sw_rmsprop(array(xs), array(squares), C.int(len(xs)), C.double(o.LearningRate), C.double(o.Alpha),
			C.double(o.Eps), C.double(o.Decay), C.double(o.Scale), message)
	})
}
