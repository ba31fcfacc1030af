package gorgonia

import (
	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// linear computes y = x·Wᵀ + b for x [rows, in], W [out, in] and b [out], which
// may be absent.
func (n *network) linear(x *G.Node, w, bias *weight) *G.Node {
	reads := G.Nodes{x, n.param(w)}
	wrt := []bool{true, true}
	if bias != nil {
		reads, wrt = append(reads, n.param(bias)), append(wrt, true)
	}
	o := &op{name: "linear " + w.name(), typ: matrixType, shape: tensor.Shape{nominal, w.rows}, wrt: wrt, widths: []int{w.cols, w.cols, w.rows}[:len(reads)]}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		x := in[0].Float32s()
		rows := len(x) / w.cols
		out, y := o.matrix(rows, w.rows)
		if bias != nil {
			kernels.FillRows(n.pool, rows, w.rows, in[2].Float32s(), y, w.rows)
		}
		n.project(rows, x, w, bias != nil, y)
		return out, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		dw := n.linearWeightGrad(w, grad, n.saved(in[0]))
		if bias == nil {
			return G.Nodes{n.linearInputGrad(w, grad, in[1], dw), dw}
		}
		db := n.biasGrad(bias, grad)
		return G.Nodes{n.linearInputGrad(w, grad, in[1], dw, db), dw, db}
	}
	return n.apply(o, reads)
}

// linearWeightGrad adds dyᵀ·x to W's gradient.
func (n *network) linearWeightGrad(w *weight, dy, x *G.Node) *G.Node {
	o := &op{name: "weight gradient " + w.name(), typ: matrixType, shape: w.shape(), widths: []int{w.rows, w.cols}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		dy, x := in[0].Float32s(), in[1].Float32s()
		n.learn(len(x)/w.cols, dy, x, w)
		return w.gradDense, nil
	}
	return n.apply(o, G.Nodes{dy, x})
}

// biasGrad adds the sum of dy's rows to b's gradient.
func (n *network) biasGrad(b *weight, dy *G.Node) *G.Node {
	o := &op{name: "bias gradient " + b.name(), typ: vectorType, shape: b.shape(), widths: []int{b.cols}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		dy := in[0].Float32s()
		kernels.AddRowsTo(n.pool, len(dy)/b.cols, b.cols, dy, b.cols, b.accumulated())
		return b.gradDense, nil
	}
	return n.apply(o, G.Nodes{dy})
}

// linearInputGrad computes dx = dy·W. It waits for the ops that need x, whose
// memory is free then.
func (n *network) linearInputGrad(w *weight, dy, wNode *G.Node, after ...*G.Node) *G.Node {
	o := &op{name: "input gradient " + w.name(), typ: matrixType, shape: tensor.Shape{nominal, w.cols}, widths: []int{w.rows, w.cols}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		dy := in[0].Float32s()
		rows := len(dy) / w.rows
		out, dx := o.matrix(rows, w.cols)
		n.projectBack(rows, dy, w, dx)
		return out, nil
	}
	return n.apply(o, G.Nodes{dy, wNode}, after...)
}

// gradOf names the gradient of a weight that another op has added to.
func (n *network) gradOf(w *weight, after *G.Node) *G.Node {
	o := &op{name: "gradient " + w.name(), typ: vectorType, shape: w.shape()}
	if w.matrix {
		o.typ = matrixType
	}
	o.run = func([]*tensor.Dense) (G.Value, error) { return w.gradDense, nil }
	return n.apply(o, nil, after)
}
