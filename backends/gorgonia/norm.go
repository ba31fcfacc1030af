package gorgonia

import (
	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// rmsNorm computes w·x/√(mean(x²)+eps) of each row.
func (n *network) rmsNorm(x *G.Node, w *weight, after ...*G.Node) *G.Node {
	o := &op{name: "norm " + w.name(), typ: matrixType, shape: tensor.Shape{nominal, w.cols}, wrt: []bool{true, true}, widths: []int{w.cols, w.cols}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		x := in[0].Float32s()
		rows := len(x) / w.cols
		out, y := o.matrix(rows, w.cols)
		o.stats = grow(o.stats, rows)
		kernels.RMSNorm(n.pool, rows, w.cols, x, w.cols, in[1].Float32s(), float32(n.arch.NormEps), y, w.cols, o.stats)
		return out, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		dx := n.normGrad(w, grad, n.saved(in[0]), in[1], n.direct[in[0]], n.makers[n.saved(out)])
		return G.Nodes{dx, n.gradOf(w, dx)}
	}
	return n.apply(o, G.Nodes{x, n.param(w)}, after...)
}

// normGrad computes the gradient of a norm's input x and adds w's. Where x is the
// residual stream, it is x's whole gradient: what passes the block by (direct) is
// added here.
func (n *network) normGrad(w *weight, dy, x, wNode, direct *G.Node, norm *op) *G.Node {
	o := &op{name: "norm gradient " + w.name(), typ: matrixType, shape: tensor.Shape{nominal, w.cols}, widths: []int{w.cols, w.cols, w.cols}}
	reads := G.Nodes{dy, x, wNode}
	if direct != nil {
		reads = append(reads, direct)
	}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		dy, x := in[0].Float32s(), in[1].Float32s()
		rows := len(x) / w.cols
		var out G.Value
		var dx []float32
		if direct == nil {
			out, dx = o.inherit(0, rows, w.cols)
		} else {
			out, dx = o.inherit(3, rows, w.cols)
			if from := in[3].Float32s(); rows > 0 && &from[0] != &dx[0] {
				copy(dx, from)
			}
		}
		kernels.RMSNormBackward(n.pool, rows, w.cols, x, w.cols, in[2].Float32s(), norm.stats, dy, w.cols,
			direct != nil, dx, w.cols, w.accumulated())
		return out, nil
	}
	return n.apply(o, reads)
}

// add computes the residual stream h + branch. Its gradient by h goes to the norm
// that begins the branch (normGrad), for gorgonia would add the two in a new
// tensor. before, if any, is called ahead of the differentiation.
func (n *network) add(h, branch *G.Node, before func(grad *G.Node)) *G.Node {
	width := n.arch.Hidden
	o := &op{name: "add", typ: matrixType, shape: tensor.Shape{nominal, width}, wrt: []bool{false, true}, widths: []int{width, width}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		h, x := in[0].Float32s(), in[1].Float32s()
		out, y := o.inherit(1, len(x)/width, width)
		kernels.Add(n.pool, y, h, x)
		return out, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		n.direct[in[0]] = grad
		if before != nil {
			before(grad)
		}
		return G.Nodes{nil, grad}
	}
	return n.apply(o, G.Nodes{h, branch})
}

// headNorm normalises each head of queries and keys in q|k|v (Qwen3).
func (n *network) headNorm(x *G.Node, query, key *weight) *G.Node {
	width := n.attentionWidth()
	o := &op{name: "head norm " + query.name(), typ: matrixType, shape: tensor.Shape{nominal, width}, wrt: []bool{true, true, true}, widths: []int{width, n.arch.HeadDim, n.arch.HeadDim}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		x := in[0].Float32s()
		rows := len(x) / width
		out, y := o.matrix(rows, width)
		copy(y, x)
		o.stats = grow(o.stats, rows*(n.arch.Heads+n.arch.KVHeads))
		n.eachHead(rows, query, key, func(at int, w *weight, stats int) {
			kernels.RMSNorm(n.pool, rows, n.arch.HeadDim, x[at:], width, w.values, float32(n.arch.NormEps), y[at:], width, o.stats[stats:stats+rows])
		})
		return out, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		dx := n.headNormGrad(query, key, grad, n.saved(in[0]), n.makers[n.saved(out)])
		return G.Nodes{dx, n.gradOf(query, dx), n.gradOf(key, dx)}
	}
	return n.apply(o, G.Nodes{x, n.param(query), n.param(key)})
}

func (n *network) headNormGrad(query, key *weight, dy, x *G.Node, norm *op) *G.Node {
	width := n.attentionWidth()
	o := &op{name: "head norm gradient " + query.name(), typ: matrixType, shape: tensor.Shape{nominal, width}, widths: []int{width, width}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		dy, x := in[0].Float32s(), in[1].Float32s()
		rows := len(x) / width
		out, dx := o.inherit(0, rows, width)
		copy(dx, dy)
		n.eachHead(rows, query, key, func(at int, w *weight, stats int) {
			kernels.RMSNormBackward(n.pool, rows, n.arch.HeadDim, x[at:], width, w.values, norm.stats[stats:stats+rows],
				dy[at:], width, false, dx[at:], width, w.accumulated())
		})
		return out, nil
	}
	return n.apply(o, G.Nodes{dy, x})
}

// eachHead calls f with the first column of each head of queries and keys, its
// norm, and the place of its statistics.
func (n *network) eachHead(rows int, query, key *weight, f func(at int, w *weight, stats int)) {
	for h := range n.arch.Heads + n.arch.KVHeads {
		w := query
		if h >= n.arch.Heads {
			w = key
		}
		f(h*n.arch.HeadDim, w, h*rows)
	}
}

// attentionWidth is the columns of q|k|v.
func (n *network) attentionWidth() int { return (n.arch.Heads + 2*n.arch.KVHeads) * n.arch.HeadDim }

// grow returns a slice of n elements, s itself where it is long enough; the
// contents are undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
