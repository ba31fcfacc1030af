package gorgonia

import (
	"fmt"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/logits"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A head is the state of the language model head: logits of the picked rows.
type head struct {
	budget logits.Budget

	logits []float32
	sums   []float32 // log of the sum of exponentials, by row
	first  []int32
}

// logProbs computes the log-probability of each target of the batch from its
// picked row of x [targets, width] and the head W [vocabulary, width], in float64.
func (n *network) logProbs(x *G.Node, w *weight) *G.Node {
	o := &op{name: "log-probabilities", typ: weightsType, shape: tensor.Shape{nominal}, wrt: []bool{true, true}, widths: []int{w.cols, w.cols}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		n.scoreRows(in[0].Float32s(), w)
		return vector(n.batch.logp), nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		dx := n.logProbsGrad(w, grad, in[0], in[1])
		return G.Nodes{dx, n.gradOf(w, dx)}
	}
	return n.apply(o, G.Nodes{x, n.param(w)})
}

func (n *network) scoreRows(x []float32, w *weight) {
	b, h := n.batch, n.head
	rows := len(b.ids)
	h.sums, b.logp, b.argmax = grow(h.sums, rows), grow(b.logp, rows), grow(b.argmax, rows)
	if h.budget.Keep == 0 && !n.half {
		n.scoreAtOnce(rows, x, w)
		return
	}
	step := h.budget.Rows(rows, w.rows)
	for lo := 0; lo < rows; lo += step {
		hi := min(lo+step, rows)
		n.makeLogits(x, w, lo, hi)
		kernels.LogProbRows(n.pool, hi-lo, w.rows, h.logits, w.rows, b.ids[lo:hi],
			b.logp[lo:hi], h.sums[lo:hi], b.argmax[lo:hi])
	}
}

// scoreAtOnce is the same to the bit without logits in memory.
func (n *network) scoreAtOnce(rows int, x []float32, w *weight) {
	b := n.batch
	first := grow(n.head.first, rows+1)
	for i := range first {
		first[i] = int32(i) // one target a row
	}
	n.head.first = first
	if w.half != nil {
		kernels.LogProbHead(n.pool, rows, w.rows, w.cols, x, w.cols, w.half, w.cols, first, b.ids, b.logp, nil, b.argmax)
		return
	}
	kernels.LogProbHead(n.pool, rows, w.rows, w.cols, x, w.cols, w.values, w.cols, first, b.ids, b.logp, nil, b.argmax)
}

// makeLogits sets the logits of rows lo:hi.
func (n *network) makeLogits(x []float32, w *weight, lo, hi int) {
	h := n.head
	h.logits = grow(h.logits, (hi-lo)*w.rows)
	n.project(hi-lo, x[lo*w.cols:], w, false, h.logits)
}

// logProbsGrad computes the gradient of x and adds W's, from the weight of each
// target's log-probability.
func (n *network) logProbsGrad(w *weight, weights, x, wNode *G.Node) *G.Node {
	o := &op{name: "log-probabilities gradient", typ: matrixType, shape: tensor.Shape{nominal, w.cols}, widths: []int{0, w.cols, w.cols}}
	var given []float32
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		b, h, x := n.batch, n.head, in[1].Float32s()
		given = given[:0]
		for _, v := range in[0].Float64s() {
			given = append(given, float32(v))
		}
		rows := len(given)
		out, dx := o.matrix(rows, w.cols)
		step := h.budget.Rows(rows, w.rows)
		for lo := 0; lo < rows; lo += step {
			hi := min(lo+step, rows)
			if step < rows {
				n.makeLogits(x, w, lo, hi)
			}
			kernels.LogProbRowsBackward(n.pool, hi-lo, w.rows, h.logits, w.rows, b.ids[lo:hi], given[lo:hi], h.sums[lo:hi])
			n.learn(hi-lo, h.logits, x[lo*w.cols:], w)
			n.projectBack(hi-lo, h.logits, w, dx[lo*w.cols:])
		}
		return out, nil
	}
	return n.apply(o, G.Nodes{weights, x, wNode})
}

// weigh hands the log-probabilities to the batch's owner and returns the weights
// that it gives them in the cost, which count as constants.
func (n *network) weigh(logp *G.Node) *G.Node {
	o := &op{name: "weigh", typ: weightsType, shape: tensor.Shape{nominal}}
	var weights []float64
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		logp := n.batch.logp
		weights = grow(weights, len(logp))
		if err := n.batch.weigh(logp, weights); err != nil {
			return nil, err
		}
		return vector(weights), nil
	}
	return n.apply(o, G.Nodes{logp})
}

// weightedSum is the cost Σ w·logp, whose gradient by logp is w.
func (n *network) weightedSum(w, logp *G.Node) *G.Node {
	o := &op{name: "weighted sum", typ: tensor.Float64, shape: tensor.ScalarShape(), wrt: []bool{false, true}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		w, logp := in[0].Float64s(), in[1].Float64s()
		if len(w) != len(logp) {
			return nil, fmt.Errorf("%d weights for %d log-probabilities", len(w), len(logp))
		}
		sum := 0.0
		for i := range w {
			sum += w[i] * logp[i]
		}
		return G.NewF64(sum), nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes { return G.Nodes{nil, in[0]} }
	return n.apply(o, G.Nodes{w, logp})
}

func vector(x []float64) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(x)), tensor.WithBacking(x))
}
