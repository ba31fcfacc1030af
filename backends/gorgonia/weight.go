package gorgonia

import (
	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"gorgonia.org/tensor"
)

// A weight is a parameter as the ops use it: one of the checkpoint's, or several
// stacked by rows, since an op gives one result: q|k|v and gate|up.
type weight struct {
	parts []checkpoint.Param
	rows  int // of a vector 1
	cols  int
	// matrix says that it is one, or the embedding; norms and biases are vectors,
	// are spared weight decay and stay in float32.
	matrix bool

	values []float32 // [rows, cols]; nil where only half is needed
	half   []uint16  // the values as bfloat16, for the ops where not nil
	dense  *tensor.Dense

	grad      []float32 // of training
	gradDense *tensor.Dense
	stale     bool // the gradient is zero, whatever grad holds

	moments [2][]float32 // of the optimizer, made when it needs them
}

// newWeight stacks parameters, which must have one width. Absent ones make an
// absent weight, nil.
func newWeight(parts ...checkpoint.Param) *weight {
	if !parts[0].Exists() {
		return nil
	}
	w := &weight{parts: parts, stale: true}
	switch parts[0].Role {
	case checkpoint.RoleEmbedding, checkpoint.RoleMatrix:
		w.matrix = true
		w.cols = parts[0].Shape[1]
		for _, p := range parts {
			w.rows += p.Shape[0]
		}
	default:
		w.rows = 1
		for _, p := range parts {
			w.cols += p.Shape[0]
		}
	}
	return w
}

func (w *weight) size() int { return w.rows * w.cols }

func (w *weight) name() string {
	if len(w.parts) == 1 {
		return w.parts[0].Name
	}
	return w.parts[0].Name + " and others"
}

// load reads the values: to train, in float32; where half is asked for, matrices
// also, or only, as bfloat16.
func (w *weight) load(from *checkpoint.Weights, p *kernels.Pool, half, train bool) error {
	w.values = make([]float32, w.size())
	err := w.each(w.values, func(param checkpoint.Param, part []float32) error {
		if _, err := from.Param(param); err != nil {
			return err
		}
		defer from.Release(param.Name)
		return from.Float32(param.Name, part)
	})
	if err != nil {
		return err
	}
	if half && w.matrix {
		w.half = make([]uint16, w.size())
		w.dense = tensor.New(tensor.WithShape(w.shape()...), tensor.WithBacking(w.half))
		w.round(p)
	} else {
		w.dense = tensor.New(tensor.WithShape(w.shape()...), tensor.WithBacking(w.values))
	}
	if train {
		w.grad = make([]float32, w.size())
		w.gradDense = tensor.New(tensor.WithShape(w.shape()...), tensor.WithBacking(w.grad))
	} else if w.half != nil {
		w.values = nil
	}
	return nil
}

// round brings the bfloat16 values, if any, up to date.
func (w *weight) round(p *kernels.Pool) {
	if w.half != nil {
		kernels.F32ToBF16(p, w.half, w.values)
	}
}

// each calls f with each part's share of x, which is laid out as the values are.
func (w *weight) each(x []float32, f func(checkpoint.Param, []float32) error) error {
	for _, p := range w.parts {
		if err := f(p, x[:p.Size()]); err != nil {
			return err
		}
		x = x[p.Size():]
	}
	return nil
}

func (w *weight) shape() []int {
	if w.matrix {
		return []int{w.rows, w.cols}
	}
	return []int{w.cols}
}

// accumulated returns the gradient to be added to, zero where it is stale.
func (w *weight) accumulated() []float32 {
	if w.stale {
		clear(w.grad)
		w.stale = false
	}
	return w.grad
}

// A layer is a block's weights.
type layer struct {
	window                    int
	norm1, qkv, qkvBias       *weight
	queryNorm, keyNorm        *weight
	output, outputBias        *weight
	norm2, gateUp, gateUpBias *weight
	down, downBias            *weight
}

// weights are those of a model.
type weights struct {
	embedding *weight
	layers    []layer
	norm      *weight
	head      *weight // the embedding where they are tied
}

func newWeights(a *checkpoint.Architecture) *weights {
	w := &weights{embedding: newWeight(a.Embedding), norm: newWeight(a.FinalNorm)}
	w.head = w.embedding
	if !a.TiedHead {
		w.head = newWeight(a.Head)
	}
	for _, b := range a.Blocks {
		w.layers = append(w.layers, layer{
			window:     b.Window,
			norm1:      newWeight(b.AttentionNorm),
			qkv:        newWeight(b.Query.Weight, b.Key.Weight, b.Value.Weight),
			qkvBias:    newWeight(b.Query.Bias, b.Key.Bias, b.Value.Bias),
			queryNorm:  newWeight(b.QueryNorm),
			keyNorm:    newWeight(b.KeyNorm),
			output:     newWeight(b.Output.Weight),
			outputBias: newWeight(b.Output.Bias),
			norm2:      newWeight(b.FFNNorm),
			gateUp:     newWeight(b.Gate.Weight, b.Up.Weight),
			gateUpBias: newWeight(b.Gate.Bias, b.Up.Bias),
			down:       newWeight(b.Down.Weight),
			downBias:   newWeight(b.Down.Bias),
		})
	}
	return w
}

// all returns every weight once, in the order of the forward pass.
func (w *weights) all() []*weight {
	list := []*weight{w.embedding}
	for i := range w.layers {
		l := &w.layers[i]
		list = append(list, l.norm1, l.qkv, l.qkvBias, l.queryNorm, l.keyNorm, l.output, l.outputBias,
			l.norm2, l.gateUp, l.gateUpBias, l.down, l.downBias)
	}
	list = append(list, w.norm)
	if w.head != w.embedding {
		list = append(list, w.head)
	}
	present := list[:0]
	for _, x := range list {
		if x != nil {
			present = append(present, x)
		}
	}
	return present
}
