package kernels

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

func TestAdamWAgainstFloat64(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(14), NewPool(3)
		defer p.Close()
		o := AdamW{LR: 1e-2, Beta1: .9, Beta2: .999, Eps: 1e-8, WeightDecay: .1}
		for _, n := range []int{1, 7, 16, 33, chunk + 5} {
			w, m, v := random(rng, n), make([]float32, n), make([]float32, n)
			want, wm, wv := widened(w), make([]float64, n), make([]float64, n)
			for step := 1; step <= 5; step++ {
				g := random(rng, n)
				o.Step(p, step, .5, w, g, m, v)
				for i := range n {
					d := .5 * float64(g[i])
					want[i] *= 1 - o.LR*o.WeightDecay
					wm[i] = o.Beta1*wm[i] + (1-o.Beta1)*d
					wv[i] = o.Beta2*wv[i] + (1-o.Beta2)*d*d
					mHat, vHat := wm[i]/(1-math.Pow(o.Beta1, float64(step))), wv[i]/(1-math.Pow(o.Beta2, float64(step)))
					want[i] -= o.LR * mHat / (math.Sqrt(vHat) + o.Eps)
				}
			}
			near(t, "w", w, want, 2e-6)
			near(t, "m", m, wm, 1e-6)
			near(t, "v", v, wv, 1e-6)
		}
	})
}

func TestRMSpropAgainstFloat64(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(15), NewPool(3)
		defer p.Close()
		o := RMSprop{LR: 1e-3, Alpha: .99, Eps: 1e-8, WeightDecay: .1}
		for _, n := range []int{1, 7, 16, 33, chunk + 5} {
			w, v := random(rng, n), make([]float32, n)
			want, wv := widened(w), make([]float64, n)
			for range 5 {
				g := random(rng, n)
				o.Step(p, 2, w, g, v)
				for i := range n {
					d := 2*float64(g[i]) + o.WeightDecay*want[i]
					wv[i] = o.Alpha*wv[i] + (1-o.Alpha)*d*d
					want[i] -= o.LR * d / (math.Sqrt(wv[i]) + o.Eps)
				}
			}
			near(t, "w", w, want, 5e-5) // where decay cancels the gradient, a step of 1e-2 loses digits
			near(t, "v", v, wv, 1e-5)
		}
	})
}

// trace is a run of torch.optim: testdata/optimizers.py.
type trace struct {
	Start        []float32
	Grads, After [][]float32
}

// Steps must agree with torch's to the last places, as the order of operations is
// the same.
func TestOptimizersAgainstTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/optimizers.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ AdamW, RMSprop trace }
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	everyISA(t, func(t *testing.T) {
		replay := func(name string, r trace, step func(i int, w, g, m, v []float32)) {
			w := append([]float32(nil), r.Start...)
			m, v := make([]float32, len(w)), make([]float32, len(w))
			for i, g := range r.Grads {
				step(i+1, w, g, m, v)
				for j := range w {
					if ulps(w[j], float64(r.After[i][j])) > 3 && math.Abs(float64(w[j]-r.After[i][j])) > 3e-8 { // an ulp of a step
						t.Fatalf("%s: step %d, weight %d: %v, torch has %v", name, i+1, j, w[j], r.After[i][j])
					}
				}
			}
		}
		adam := AdamW{LR: 1e-2, Beta1: .9, Beta2: .999, Eps: 1e-8, WeightDecay: .1}
		replay("AdamW", want.AdamW, func(i int, w, g, m, v []float32) { adam.Step(nil, i, 1, w, g, m, v) })
		rms := RMSprop{LR: 1e-2, Alpha: .99, Eps: 1e-8, WeightDecay: .1}
		replay("RMSprop", want.RMSprop, func(_ int, w, g, _, v []float32) { rms.Step(nil, 1, w, g, v) })
	})
}

func TestOptimizersRefuseDifferentLengths(t *testing.T) {
	x, y := make([]float32, 3), make([]float32, 4)
	mustPanic(t, "AdamW", func() { AdamW{}.Step(nil, 1, 1, x, y, x, x) })
	mustPanic(t, "RMSprop", func() { RMSprop{}.Step(nil, 1, x, x, y) })
}

func widened(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
