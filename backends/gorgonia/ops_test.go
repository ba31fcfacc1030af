package gorgonia

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/logits"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A bench runs one op between parameters and a cost, Σ r·y with random r, and
// compares gorgonia's gradient with finite differences.
type bench struct {
	*network
	rng    *rand.Rand
	inputs []*weight
	cost   float64
}

// newBench makes a network over a batch of shared and forked sequences.
func newBench(t *testing.T) *bench {
	t.Helper()
	m := &Model{arch: &checkpoint.Architecture{
		VocabSize: 11, Padding: -1, Hidden: 6, Heads: 4, KVHeads: 2, HeadDim: 4, FFN: 5, NormEps: 1e-5,
		RoPE: checkpoint.RoPE{Type: "default", Dim: 4, Theta: 100, AttentionFactor: 1},
	}, pool: kernels.NewPool(2)}
	t.Cleanup(m.pool.Close)
	items := []core.Item{
		{Prompt: []int32{1, 2, 3}, Completions: [][]int32{{4, 5, 6}, {4, 7, 8, 9}, {10}}},
		{Prompt: []int32{1, 2}, Completions: [][]int32{{5, 5, 5}}},
	}
	f, err := m.rotary.Plan(m.arch, items)
	if err != nil {
		t.Fatal(err)
	}
	m.batch.length = f.Length()
	m.batch.take(f, &m.rotary, 0, f.Rows)
	m.arena.reserve(m.batch.most())
	n := emptyNetwork(m)
	n.paths = make([][]float32, 1)
	return &bench{network: n, rng: rand.New(rand.NewPCG(1, 1))}
}

// input makes a parameter of random values about a mean.
func (b *bench) matrixInput(name string, rows, cols int) *weight {
	return b.add(checkpoint.Param{Name: name, Role: checkpoint.RoleMatrix, Shape: []int{rows, cols}}, 0)
}

func (b *bench) vectorInput(name string, n int) *weight {
	return b.add(checkpoint.Param{Name: name, Role: checkpoint.RoleNorm, Shape: []int{n}}, 1)
}

func (b *bench) add(p checkpoint.Param, mean float64) *weight {
	w := newWeight(p)
	w.values = make([]float32, w.size())
	for i := range w.values {
		w.values[i] = float32(mean + b.rng.NormFloat64())
	}
	w.dense = tensor.New(tensor.WithShape(w.shape()...), tensor.WithBacking(w.values))
	w.grad = make([]float32, w.size())
	w.gradDense = tensor.New(tensor.WithShape(w.shape()...), tensor.WithBacking(w.grad))
	b.inputs = append(b.inputs, w)
	return w
}

// activation makes a parameter serve as an op's input, copied because ops may
// work in place.
func (b *bench) activation(w *weight) *G.Node {
	o := &op{name: "copy " + w.name(), typ: matrixType, shape: tensor.Shape{nominal, w.cols}, wrt: []bool{true}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		out, y := o.matrix(w.rows, w.cols)
		copy(y, in[0].Float32s())
		return out, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		d := &op{name: "copy gradient " + w.name(), typ: matrixType, shape: w.shape()}
		d.run = func(in []*tensor.Dense) (G.Value, error) {
			copy(w.accumulated(), in[0].Float32s())
			return w.gradDense, nil
		}
		return G.Nodes{b.apply(d, G.Nodes{grad})}
	}
	return b.apply(o, G.Nodes{b.param(w)})
}

// sum makes the cost Σ r·y.
func (b *bench) sum(y *G.Node) *G.Node {
	var r []float32
	o := &op{name: "sum", typ: tensor.Float64, shape: tensor.ScalarShape(), wrt: []bool{true}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		y := in[0].Float32s()
		for len(r) < len(y) {
			r = append(r, float32(b.rng.NormFloat64()))
		}
		b.cost = 0
		for i, v := range y {
			b.cost += float64(v) * float64(r[i])
		}
		return G.NewF64(b.cost), nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		d := &op{name: "sum gradient", typ: matrixType, shape: tensor.Shape{nominal, y.Shape()[1]}}
		d.run = func(in []*tensor.Dense) (G.Value, error) {
			y := in[0]
			value, dy := d.matrix(y.Shape()[0], y.Shape()[1])
			copy(dy, r)
			return value, nil
		}
		return G.Nodes{b.apply(d, G.Nodes{in[0]})}
	}
	return b.apply(o, G.Nodes{y})
}

// check differentiates the cost, runs the graph, and compares the gradient of
// each element of each input.
func (b *bench) check(t *testing.T, cost *G.Node) {
	t.Helper()
	b.differentiate(cost, b.trained)
	if err := b.build(); err != nil {
		t.Fatal(err)
	}
	at := func() float64 {
		for _, w := range b.inputs {
			w.stale = true
		}
		if err := b.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return b.cost
	}
	at()
	var grads [][]float32
	for _, w := range b.inputs {
		grads = append(grads, append([]float32{}, w.accumulated()...))
	}
	const step = 1e-2
	for k, w := range b.inputs {
		for i, v := range w.values {
			w.values[i] = v + step
			ahead := at()
			w.values[i] = v - step
			want := (ahead - at()) / (2 * step)
			w.values[i] = v
			if got := float64(grads[k][i]); !(math.Abs(got-want) <= 2e-2*(1+math.Abs(want))) {
				t.Errorf("gradient of %s[%d] is %.5g, by differences %.5g", w.name(), i, got, want)
			}
		}
	}
}

func TestOpGradients(t *testing.T) {
	for name, build := range map[string]func(b *bench) *G.Node{
		"embed": func(b *bench) *G.Node { return b.embed(b.matrixInput("table", 11, 6)) },
		"pick": func(b *bench) *G.Node {
			return b.pick(b.activation(b.matrixInput("x", len(b.batch.Tokens), 6)), 6)
		},
		"linear": func(b *bench) *G.Node {
			return b.linear(b.activation(b.matrixInput("x", 3, 6)), b.matrixInput("w", 7, 6), b.vectorInput("bias", 7))
		},
		"norm": func(b *bench) *G.Node {
			return b.rmsNorm(b.activation(b.matrixInput("x", 4, 6)), b.vectorInput("w", 6))
		},
		"block": func(b *bench) *G.Node { // norm and add share the residual stream's gradient
			h := b.activation(b.matrixInput("h", 4, 6))
			return b.add2(h)
		},
		"swiglu": func(b *bench) *G.Node { return b.swiGLU(b.activation(b.matrixInput("x", 3, 10))) },
		"attention": func(b *bench) *G.Node {
			return b.attention(b.activation(b.matrixInput("qkv", len(b.batch.Tokens), 32)), 0, 0)
		},
		"window": func(b *bench) *G.Node {
			return b.attention(b.activation(b.matrixInput("qkv", len(b.batch.Tokens), 32)), 0, 2)
		},
		"heads": func(b *bench) *G.Node {
			return b.headNorm(b.activation(b.matrixInput("qkv", 3, 32)), b.vectorInput("q", 4), b.vectorInput("k", 4))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.check(t, b.sum(build(b)))
		})
	}
}

// add2 is a residual branch of a norm and a linear map.
func (b *bench) add2(h *G.Node) *G.Node {
	return b.network.add(h, b.linear(b.rmsNorm(h, b.vectorInput("norm", 6)), b.matrixInput("w", 6, 6), nil), nil)
}

// The log-probabilities' gradient, with weights as a loss would give: at once
// and in chunks.
func TestLogProbGradients(t *testing.T) {
	for _, budget := range []logits.Budget{logits.Training, {Keep: 2 * 11, Chunk: 2 * 11}} {
		b := newBench(t)
		b.head.budget = budget
		b.batch.weigh = func(logp, weights []float64) error {
			for i := range weights {
				weights[i] = math.Cos(float64(i))
			}
			b.cost = 0
			for i, v := range logp {
				b.cost += weights[i] * v
			}
			return nil
		}
		x := b.activation(b.matrixInput("x", len(b.batch.picked), 6))
		logp := b.logProbs(x, b.matrixInput("head", 11, 6))
		b.check(t, b.weightedSum(b.weigh(logp), logp))
	}
}

// A graph whose shapes do not fit is refused when it is built.
func TestShapeIsChecked(t *testing.T) {
	b := newBench(t)
	b.linear(b.activation(b.matrixInput("x", 3, 5)), b.matrixInput("w", 7, 6), nil)
	if err := b.build(); err == nil || !strings.Contains(err.Error(), "last dimension should be 6") {
		t.Errorf("error %v", err)
	}
}

// A panic in an op is an error of the run, and the next run is sound.
func TestPanicIsAnError(t *testing.T) {
	b := newBench(t)
	w := b.matrixInput("table", 11, 6)
	b.check(t, b.sum(b.embed(w)))
	kept := b.batch.Tokens[0]
	b.batch.Tokens[0] = 99
	if err := b.run(context.Background()); err == nil {
		t.Error("no error")
	}
	b.batch.Tokens[0] = kept
	if err := b.run(context.Background()); err != nil {
		t.Error(err)
	}
}
