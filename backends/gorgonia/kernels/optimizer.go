package kernels

import "math"

// AdamW is one step of torch.optim.AdamW (Loshchilov and Hutter 2019): decoupled
// weight decay, bias corrections, eps added after the square root.
type AdamW struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64
}

// Step takes step t, the first being 1: it updates the weights w, and the means m
// of the gradient g and v of its square, all of one length. The gradient is
// multiplied by scale first (clipping); g is not changed.
func (o AdamW) Step(p *Pool, t int, scale float32, w, g, m, v []float32) {
	checkState(w, g, m, v)
	c := o.constants(t, scale)
	p.For(len(w), chunk, func(lo, hi int) {
		active.adamW(&c, w[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi])
	})
}

// constants are step t's for the kernel: the weights' and the gradient's factors,
// 1-beta1, beta2, 1-beta2, the root of the second moment's bias correction, eps,
// and -lr over the first moment's.
func (o AdamW) constants(t int, scale float32) [8]float32 {
	c1, c2 := 1-math.Pow(o.Beta1, float64(t)), 1-math.Pow(o.Beta2, float64(t))
	return [8]float32{
		float32(1 - o.LR*o.WeightDecay), scale, float32(1 - o.Beta1), float32(o.Beta2), float32(1 - o.Beta2),
		float32(math.Sqrt(c2)), float32(o.Eps), float32(-o.LR / c1),
	}
}

// RMSprop is one step of torch.optim.RMSprop without momentum, not centred: weight
// decay is added to the gradient.
type RMSprop struct {
	LR, Alpha, Eps, WeightDecay float64
}

// Step updates the weights w and the mean v of the squared gradient, all of g's
// length. The gradient is multiplied by scale first (clipping); g is not changed.
func (o RMSprop) Step(p *Pool, scale float32, w, g, v []float32) {
	checkState(w, g, v)
	c := o.constants(scale)
	p.For(len(w), chunk, func(lo, hi int) {
		active.rmsProp(&c, w[lo:hi], g[lo:hi], v[lo:hi])
	})
}

// constants are a step's for the kernel: the gradient's factor, the decay, alpha,
// 1-alpha, eps and -lr.
func (o RMSprop) constants(scale float32) [6]float32 {
	return [6]float32{scale, float32(o.WeightDecay), float32(o.Alpha), float32(1 - o.Alpha), float32(o.Eps), float32(-o.LR)}
}

// checkState panics unless all vectors have the weights' length.
func checkState(w []float32, rest ...[]float32) {
	for _, x := range rest {
		if len(x) != len(w) {
			panic("kernels: an optimizer's vectors differ in length")
		}
	}
}
