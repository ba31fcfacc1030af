package gorgonia

import (
	"fmt"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Memory of the head's logits, in floats. In training they are kept for the
// backward pass as long as they fit keepLogits; else, and in scoring, they are
// made chunkLogits at a time and in training made twice.
const (
	keepLogits  = 128 << 20
	chunkLogits = 16 << 20
)

// A head is the state of the language model head: logits of the scored rows.
type head struct {
	keep, limit int // keepLogits in training, and chunkLogits

	logits []float32
	sums   []float32 // log of the sum of exponentials, by row
	ids    []int32   // the first target of each row
	scores []float64 // its log-probability
}

// logProbs computes the log-probability of each target of the batch from the
// picked rows x [rows, width] and the head W [vocabulary, width], in float64.
func (n *network) logProbs(x *G.Node, w *weight) *G.Node {
	o := &op{name: "log-probabilities", typ: weightsType, shape: tensor.Shape{nominal}, wrt: []bool{true, true}}
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

// chunk is how many rows have their logits in memory at a time.
func (h *head) chunk(rows, vocabulary int) int {
	if rows*vocabulary <= h.keep {
		return rows
	}
	return min(rows, max(1, h.limit/vocabulary))
}

func (n *network) scoreRows(x []float32, w *weight) {
	b, h := n.batch, n.head
	rows := len(b.scored)
	h.sums, h.ids, h.scores = grow(h.sums, rows), grow(h.ids, rows), grow(h.scores, rows)
	b.logp, b.argmax = grow(b.logp, len(b.targets)), grow(b.argmax, rows)
	for i := range rows {
		h.ids[i] = b.targets[b.first[i]].Token
	}
	step := h.chunk(rows, w.rows)
	for lo := 0; lo < rows; lo += step {
		hi := min(lo+step, rows)
		n.makeLogits(x, w, lo, hi)
		n.score(w.rows, lo, hi)
	}
}

// makeLogits sets the logits of rows lo:hi.
func (n *network) makeLogits(x []float32, w *weight, lo, hi int) {
	h := n.head
	h.logits = grow(h.logits, (hi-lo)*w.rows)
	x = x[lo*w.cols:]
	if w.half != nil {
		kernels.GemmNT(n.pool, hi-lo, w.rows, w.cols, x, w.cols, w.half, w.cols, false, h.logits, w.rows)
	} else {
		kernels.GemmNT(n.pool, hi-lo, w.rows, w.cols, x, w.cols, w.values, w.cols, false, h.logits, w.rows)
	}
}

// score reads the log-probabilities of rows lo:hi off the logits. A row with
// several targets (completions that part there) is read again for each.
func (n *network) score(vocabulary, lo, hi int) {
	b, h := n.batch, n.head
	kernels.LogProbRows(n.pool, hi-lo, vocabulary, h.logits, vocabulary, h.ids[lo:hi], h.scores[lo:hi], h.sums[lo:hi], b.argmax[lo:hi])
	for i := lo; i < hi; i++ {
		b.logp[b.first[i]] = h.scores[i]
		row := h.logits[(i-lo)*vocabulary : (i-lo+1)*vocabulary]
		for j := b.first[i] + 1; j < b.first[i+1]; j++ {
			id := [1]int32{b.targets[j].Token}
			kernels.LogProbRows(n.pool, 1, vocabulary, row, vocabulary, id[:], b.logp[j:j+1], nil, nil)
		}
	}
}

// logProbsGrad computes the gradient of x and adds W's, from the weight of each
// target's log-probability.
func (n *network) logProbsGrad(w *weight, weights, x, wNode *G.Node) *G.Node {
	o := &op{name: "log-probabilities gradient", typ: matrixType, shape: tensor.Shape{nominal, w.cols}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		x, rows := in[1].Float32s(), len(n.batch.scored)
		out, dx := o.matrix(rows, w.cols)
		step := n.head.chunk(rows, w.rows)
		for lo := 0; lo < rows; lo += step {
			hi := min(lo+step, rows)
			if step < rows {
				n.makeLogits(x, w, lo, hi)
			}
			n.logitsGrad(in[0].Float64s(), w.rows, lo, hi)
			d := n.head.logits
			kernels.GemmTN(n.pool, w.rows, w.cols, hi-lo, d, w.rows, x[lo*w.cols:], w.cols, !w.stale, w.grad, w.cols)
			w.stale = false
			kernels.GemmNN(n.pool, hi-lo, w.cols, w.rows, d, w.rows, w.values, w.cols, false, dx[lo*w.cols:], w.cols)
		}
		return out, nil
	}
	return n.apply(o, G.Nodes{weights, x, wNode})
}

// logitsGrad replaces the logits of rows lo:hi by their gradient: for each target
// of a row, weight·(onehot - softmax).
func (n *network) logitsGrad(weights []float64, vocabulary, lo, hi int) {
	b, h := n.batch, n.head
	total := make([]float32, hi-lo)
	for i := range total {
		for _, w := range weights[b.first[lo+i]:b.first[lo+i+1]] {
			total[i] += float32(w)
		}
	}
	kernels.LogProbRowsBackward(n.pool, hi-lo, vocabulary, h.logits, vocabulary, h.ids[lo:hi], total, h.sums[lo:hi])
	for i := lo; i < hi; i++ {
		row := h.logits[(i-lo)*vocabulary:]
		// The kernel gave all weight to the first target.
		for j := b.first[i] + 1; j < b.first[i+1]; j++ {
			row[b.targets[j].Token] += float32(weights[j])
			row[h.ids[i]] -= float32(weights[j])
		}
	}
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
