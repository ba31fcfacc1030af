package gorgonia

import (
	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// swiGLU computes silu(gate)·up of rows gate|up.
func (n *network) swiGLU(gateUp *G.Node) *G.Node {
	width := n.arch.FFN
	o := &op{name: "swiglu", typ: matrixType, shape: tensor.Shape{nominal, width}, wrt: []bool{true}, widths: []int{2 * width}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		x := in[0].Float32s()
		rows := len(x) / (2 * width)
		out, y := o.matrix(rows, width)
		kernels.SwiGLU(n.pool, rows, width, x, 2*width, y, width)
		return out, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		return G.Nodes{n.swiGLUGrad(grad, n.saved(in[0]))}
	}
	return n.apply(o, G.Nodes{gateUp})
}

func (n *network) swiGLUGrad(dy, gateUp *G.Node) *G.Node {
	width := n.arch.FFN
	o := &op{name: "swiglu gradient", typ: matrixType, shape: tensor.Shape{nominal, 2 * width}, widths: []int{width, 2 * width}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		dy, x := in[0].Float32s(), in[1].Float32s()
		rows := len(dy) / width
		out, dx := o.inherit(1, rows, 2*width)
		kernels.SwiGLUBackward(n.pool, rows, width, x, 2*width, dy, width, dx, 2*width)
		return out, nil
	}
	return n.apply(o, G.Nodes{dy, gateUp})
}
