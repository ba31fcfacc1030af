package coretest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/stepwise-dpo/stepwise/core"
)

// decay is the weight of the previous context in the next one. A power of two,
// so that it adds no rounding.
const decay = 0.5

// Model is a recurrent log-bilinear language model of one layer:
//
//	c_t = decay * c_{t-1} + E[x_t]
//	h_t = tanh(W c_t + b)
//	p(x_{t+1} | x_1..x_t) = softmax(U h_t)
//
// It looks at the whole context, so that a prompt matters, and its loss surface
// is smooth. Arithmetic is float64; weights are rounded to float32 after each
// update, as a backend with dtype float32 stores them.
type Model struct {
	vocab, hidden int
	embed         *tensor // [vocab, hidden], E
	weight        *tensor // [hidden, hidden], W
	bias          *tensor // [hidden], b
	head          *tensor // [vocab, hidden], U
	optimizer     optimizer
	closed        bool
}

var _ core.Model = (*Model)(nil)

// tensor is a parameter with its gradient.
type tensor struct {
	name  string
	shape []int
	value []float64
	grad  []float64
}

func newTensor(name string, shape ...int) *tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return &tensor{name: name, shape: shape, value: make([]float64, n), grad: make([]float64, n)}
}

// NewModel returns a model with random weights. The same arguments give the
// same weights.
func NewModel(vocab, hidden int, seed uint64) *Model {
	m := newModel(vocab, hidden)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, t := range m.tensors() {
		scale := 1 / math.Sqrt(float64(hidden))
		for i := range t.value {
			t.value[i] = float64(float32(scale * r.NormFloat64()))
		}
	}
	return m
}

func newModel(vocab, hidden int) *Model {
	return &Model{
		vocab: vocab, hidden: hidden,
		embed:  newTensor("embed.weight", vocab, hidden),
		weight: newTensor("hidden.weight", hidden, hidden),
		bias:   newTensor("hidden.bias", hidden),
		head:   newTensor("head.weight", vocab, hidden),
	}
}

func (m *Model) tensors() []*tensor {
	return []*tensor{m.embed, m.weight, m.bias, m.head}
}

// LogProbs implements core.Model.
func (m *Model) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	if err := m.check(items); err != nil {
		return nil, err
	}
	scores := make([][]core.Score, len(items))
	for i, item := range items {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, completion := range item.Completions {
			scores[i] = append(scores[i], m.run(item.Prompt, completion).score(d))
		}
		core.ReporterFrom(ctx).Progress("items", i+1, len(items))
	}
	return scores, nil
}

// Accumulate implements core.Model. The gradient grows in the order of items
// and completions, so the bits do not depend on how items are cut into calls.
func (m *Model) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	if err := m.check(items); err != nil {
		return err
	}
	var passes []pass
	scores := make([][]core.Score, len(items))
	for i, item := range items {
		for _, completion := range item.Completions {
			p := m.run(item.Prompt, completion)
			passes = append(passes, p)
			scores[i] = append(scores[i], p.score(core.Detail{}))
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	weights, err := grad.Weights(scores)
	if err != nil {
		return err
	}
	for i, p := range passes {
		m.backward(p, weights[i])
	}
	return nil
}

// check refuses a closed model and what core.Item.Check refuses.
func (m *Model) check(items []core.Item) error {
	if m.closed {
		return errClosed
	}
	for i, item := range items {
		if err := item.Check(m.vocab); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

// pass is the forward computation over a prompt and a completion.
type pass struct {
	ids     []int32     // prompt and completion
	first   int         // index in ids of the completion's first token
	context [][]float64 // c_t for t < len(ids)-1
	hidden  [][]float64 // h_t for the scored positions, t from first-1
	logp    [][]float64 // log p( . | x_1..x_t) for the same positions
}

func (m *Model) run(prompt, completion []int32) pass {
	p := pass{ids: append(append([]int32{}, prompt...), completion...), first: len(prompt)}
	c := make([]float64, m.hidden)
	for t, id := range p.ids[:len(p.ids)-1] {
		next := make([]float64, m.hidden)
		for k := range next {
			next[k] = decay*c[k] + m.embed.value[int(id)*m.hidden+k]
		}
		c = next
		p.context = append(p.context, c)
		if t >= p.first-1 {
			h := m.activate(c)
			p.hidden = append(p.hidden, h)
			p.logp = append(p.logp, logSoftmax(matVec(m.head.value, h, m.vocab)))
		}
	}
	return p
}

// activate returns tanh(W c + b).
func (m *Model) activate(c []float64) []float64 {
	h := matVec(m.weight.value, c, m.hidden)
	for k := range h {
		h[k] = math.Tanh(h[k] + m.bias.value[k])
	}
	return h
}

func (p pass) score(d core.Detail) core.Score {
	s := core.Score{Tokens: len(p.logp), Greedy: d.Greedy}
	for i, logp := range p.logp {
		id := p.ids[p.first+i]
		s.LogProb += logp[id]
		if d.PerToken {
			s.TokenLogProbs = append(s.TokenLogProbs, logp[id])
		}
		s.Greedy = s.Greedy && argmax(logp) == int(id)
	}
	return s
}

// backward adds w * d logp / d theta of the pass to the gradient.
func (m *Model) backward(p pass, w float64) {
	dc := make([]float64, m.hidden) // d logp / d c_t, from the positions after t
	for t := len(p.context) - 1; t >= 0; t-- {
		for k := range dc {
			dc[k] *= decay
		}
		if i := t - (p.first - 1); i >= 0 {
			m.backwardScored(p, i, t, w, dc)
		}
		addTo(m.embed.grad[int(p.ids[t])*m.hidden:], dc)
	}
}

// backwardScored is backward for the i-th scored position, which is t. It adds
// to dc what flows into c_t.
func (m *Model) backwardScored(p pass, i, t int, w float64, dc []float64) {
	h, dh := p.hidden[i], make([]float64, m.hidden)
	target := int(p.ids[p.first+i])
	for v, logp := range p.logp[i] {
		dz := -w * math.Exp(logp)
		if v == target {
			dz += w
		}
		row := v * m.hidden
		for k := range h {
			m.head.grad[row+k] += dz * h[k]
			dh[k] += dz * m.head.value[row+k]
		}
	}
	for k := range h {
		da := dh[k] * (1 - h[k]*h[k])
		m.bias.grad[k] += da
		row := k * m.hidden
		for l := range dc {
			m.weight.grad[row+l] += da * p.context[t][l]
			dc[l] += da * m.weight.value[row+l]
		}
	}
}

// matVec returns the product of a, [rows, len(x)], and x.
func matVec(a, x []float64, rows int) []float64 {
	y := make([]float64, rows)
	for r := range y {
		for k, v := range x {
			y[r] += a[r*len(x)+k] * v
		}
	}
	return y
}

func addTo(dst, src []float64) {
	for k, v := range src {
		dst[k] += v
	}
}

func logSoftmax(z []float64) []float64 {
	top, sum := z[argmax(z)], 0.0
	for _, v := range z {
		sum += math.Exp(v - top)
	}
	for i := range z {
		z[i] -= top + math.Log(sum)
	}
	return z
}

func argmax(x []float64) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}
