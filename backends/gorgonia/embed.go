package gorgonia

import (
	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// embed looks the batch's tokens up in a table [vocabulary, width].
func (n *network) embed(w *weight) *G.Node {
	o := &op{name: "embed", typ: matrixType, shape: tensor.Shape{nominal, w.cols}, wrt: []bool{true}}
	o.run = func([]*tensor.Dense) (G.Value, error) {
		ids := n.batch.Tokens
		out, h := o.matrix(len(ids), w.cols)
		if w.half != nil {
			kernels.Gather(n.pool, w.cols, ids, w.half, w.cols, h, w.cols)
		} else {
			kernels.Gather(n.pool, w.cols, ids, w.values, w.cols, h, w.cols)
		}
		return out, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes { return G.Nodes{n.embedGrad(w, grad)} }
	return n.apply(o, G.Nodes{n.use(w, "embedding ")})
}

// embedGrad adds each row of dh to the gradient of its token's row, but for the
// padding token's: torch.nn.Embedding gives none to its padding_idx, which
// transformers sets, and models that end turns with that token train otherwise.
func (n *network) embedGrad(w *weight, dh *G.Node) *G.Node {
	o := &op{name: "embed gradient", typ: matrixType, shape: w.shape(), widths: []int{w.cols}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		dh := in[0].Float32s()
		for i, id := range n.batch.Tokens {
			if int(id) == n.arch.Padding {
				clear(dh[i*w.cols : (i+1)*w.cols])
			}
		}
		kernels.ScatterAdd(n.pool, w.cols, n.batch.Tokens, dh, w.cols, w.accumulated(), w.cols)
		return w.gradDense, nil
	}
	return n.apply(o, G.Nodes{dh})
}

// pick gathers the row of each target.
func (n *network) pick(h *G.Node, width int) *G.Node {
	o := &op{name: "pick", typ: matrixType, shape: tensor.Shape{nominal, width}, wrt: []bool{true}, widths: []int{width}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		out, x := o.matrix(len(n.batch.picked), width)
		kernels.Gather(n.pool, width, n.batch.picked, in[0].Float32s(), width, x, width)
		return out, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes { return G.Nodes{n.unpick(grad, width)} }
	return n.apply(o, G.Nodes{h})
}

// unpick adds the gradients of the picked rows to zeros.
func (n *network) unpick(grad *G.Node, width int) *G.Node {
	o := &op{name: "pick gradient", typ: matrixType, shape: tensor.Shape{nominal, width}, widths: []int{width}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		out, dh := o.matrix(len(n.batch.Tokens), width)
		clear(dh)
		kernels.ScatterAdd(n.pool, width, n.batch.picked, in[0].Float32s(), width, dh, width)
		return out, nil
	}
	return n.apply(o, G.Nodes{grad})
}
