package gorgonia

import (
	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/logits"
	"github.com/stepwise-dpo/stepwise/backends/internal/rotary"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	G "gorgonia.org/gorgonia"
)

// A network is the graph of a model: ids in, log-probabilities of targets out,
// and in training the weights' gradients. It is built once; each run reads the
// batch at hand.
type network struct {
	*tape
	arch  *checkpoint.Architecture
	pool  *kernels.Pool
	batch *batch

	half    bool        // products are of bfloat16
	rounded [2][]uint16 // activations, for them

	inputs  map[use]*G.Node
	trained G.Nodes // inputs in the order in which they were added

	recompute bool
	again     map[*G.Node]*G.Node // of an activation that is computed anew for the backward pass
	direct    map[*G.Node]*G.Node // of the residual stream, the gradient that passes a block by

	rotary   *rotary.Table
	paths    [][]float32 // keys and values of the path at hand: one a layer, or one for all
	pathGrad []float32
	head     *head
}

// newNetwork builds the graph for scoring: op by op, memory is free again when
// the next has run, but for the keys and values of the path from one batch to
// the next.
func newNetwork(m *Model) (*network, error) {
	n := emptyNetwork(m)
	n.paths = make([][]float32, len(m.weights.layers))
	n.forward(m.weights)
	return n, n.build()
}

// newTraining builds the graph for training.
func newTraining(m *Model) (*network, error) {
	n := emptyNetwork(m)
	n.recompute = m.options.Recompute
	n.paths = make([][]float32, 1)
	n.head.budget = logits.Training
	logp := n.forward(m.weights)
	w := n.weigh(logp)
	cost := n.weightedSum(w, logp)
	n.differentiate(cost, n.trained)
	return n, n.build()
}

func emptyNetwork(m *Model) *network {
	return &network{
		tape: newTape(&m.arena), arch: m.arch, pool: m.pool, batch: &m.batch, rotary: &m.rotary,
		half:   m.options.Arithmetic == settings.BF16,
		inputs: map[use]*G.Node{}, again: map[*G.Node]*G.Node{}, direct: map[*G.Node]*G.Node{},
		head: &head{budget: logits.Scoring},
	}
}

// forward builds the model up to the targets' log-probabilities.
func (n *network) forward(w *weights) *G.Node {
	h := n.embed(w.embedding)
	for i := range w.layers {
		h = n.block(i, &w.layers[i], h, i == len(w.layers)-1)
	}
	return n.logProbs(n.rmsNorm(h, w.norm), w.head)
}

// block is one layer of the transformer. The last goes on from its attention with
// the targets' rows alone.
func (n *network) block(i int, l *layer, h *G.Node, last bool) *G.Node {
	inner := func(after ...*G.Node) (middle, x *G.Node) {
		x = n.linear(n.rmsNorm(h, l.norm1, after...), l.qkv, l.qkvBias)
		if l.queryNorm != nil {
			x = n.headNorm(x, l.queryNorm, l.keyNorm)
		}
		x = n.attention(x, i, l.window)
		if last {
			middle = n.addPicked(h, x, l)
		} else {
			middle = n.add(h, n.linear(x, l.output, l.outputBias), nil)
		}
		x = n.linear(n.rmsNorm(middle, l.norm2), l.gateUp, l.gateUpBias)
		return middle, n.swiGLU(x)
	}
	from := len(n.made)
	middle, x := inner()
	first := n.made[from:len(n.made):len(n.made)]
	return n.add(middle, n.linear(x, l.down, l.downBias), func(grad *G.Node) {
		if !n.recompute {
			return
		}
		from := len(n.made)
		inner(grad)
		for i, node := range n.made[from:] {
			n.again[first[i]] = node
		}
	})
}

// addPicked is the residual stream after attention, of the targets' rows. What its
// gradient passes by goes to all rows of h.
func (n *network) addPicked(h, x *G.Node, l *layer) *G.Node {
	branch := n.linear(n.pick(x, l.output.cols), l.output, l.outputBias)
	return n.add(n.pick(h, n.arch.Hidden), branch, func(grad *G.Node) {
		n.direct[h] = n.unpick(grad, n.arch.Hidden)
	})
}

// saved returns the node that holds an activation for the backward pass.
func (n *network) saved(node *G.Node) *G.Node {
	if again, ok := n.again[node]; ok {
		return again
	}
	return node
}

// param returns the graph's input for a weight.
func (n *network) param(w *weight) *G.Node { return n.use(w, "") }

// use is param for a use of its own. A tied embedding has two inputs, so that its
// gradients are added where they are made and not by one more op.
func (n *network) use(w *weight, what string) *G.Node {
	key := use{w, what}
	node, ok := n.inputs[key]
	if !ok {
		node = n.input(what+w.name(), w.dense)
		n.inputs[key] = node
		n.trained = append(n.trained, node)
	}
	return node
}

type use struct {
	weight *weight
	what   string
}
