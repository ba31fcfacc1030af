package kernels

import "math"

// AdamW is one step of torch.optim.AdamW (Loshchilov and Hutter 2019): decoupled weight decay,
// bias corrections, eps added after the square root.
type AdamW struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64
}

// adamW holds a step's constants as its kernel reads them.
type adamW struct {
	decay      float32 // 1 - lr·weight_decay
	scale      float32 // the gradient's factor
	oneMinusB1 float32
	beta2      float32
	oneMinusB2 float32
	rootC2     float32 // √(1-beta2^t)
	eps        float32
	step       float32 // -lr/(1-beta1^t)
}

// Step takes step t, the first being 1: it updates the weights w, and the
// means m of the gradient g and v of its square, all of one length. The gradient is multiplied by scale
// first (clipping); g is not changed.
func (o AdamW) Step(p *Pool, t int, scale float32, w, g, m, v []float32) {
	checkState(w, g, m, v)
	c := adamW{
		decay: float32(1 - o.LR*o.WeightDecay), scale: scale,
		oneMinusB1: float32(1 - o.Beta1), beta2: float32(o.Beta2), oneMinusB2: float32(1 - o.Beta2),
		rootC2: float32(math.Sqrt(1 - math.Pow(o.Beta2, float64(t)))), eps: float32(o.Eps),
		step: float32(-o.LR / (1 - math.Pow(o.Beta1, float64(t)))),
	}
	p.For(len(w), chunk, func(lo, hi int) {
		active.adamW(&c, w[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi])
	})
}

// RMSprop is one step of torch.optim.RMSprop without momentum, not centred: weight decay is added to the
// gradient.
type RMSprop struct {
	LR, Alpha, Eps, WeightDecay float64
}

// rmsProp holds a step's constants as its kernel reads them.
type rmsProp struct {
	scale, decay, alpha, oneMinusAlpha, eps, step float32
}

// Step updates the weights w and the mean v of the squared gradient, all of g's length. The gradient is
// multiplied by scale first (clipping); g is not changed.
func (o RMSprop) Step(p *Pool, scale float32, w, g, v []float32) {
	checkState(w, g, v)
	c := rmsProp{
		scale: scale, decay: float32(o.WeightDecay), alpha: float32(o.Alpha),
		oneMinusAlpha: float32(1 - o.Alpha), eps: float32(o.Eps), step: float32(-o.LR),
	}
	p.For(len(w), chunk, func(lo, hi int) {
		active.rmsProp(&c, w[lo:hi], g[lo:hi], v[lo:hi])
	})
}

// checkState panics unless all vectors have the weights' length.
func checkState(w []float32, rest ...[]float32) {
	for _, x := range rest {
		if len(x) != len(w) {
			panic("kernels: an optimizer's vectors differ in length")
		}
	}
}
