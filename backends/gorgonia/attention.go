package gorgonia

import (
	"math"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// attention computes causal attention over rows q|k|v. It turns queries and keys
// by their positions in place: nothing else reads them afterwards.
//
// The kernel wants the keys and values of a whole sequence in a row, so they are
// copied to the layer's path as pieces come by. Since pieces come depth first, the
// path holds at each piece its ancestors' rows, also those of earlier batches.
func (n *network) attention(qkv *G.Node, layer, window int) *G.Node {
	a := n.arch
	width, out := n.attentionWidth(), a.Heads*a.HeadDim
	o := &op{name: "attention", typ: matrixType, shape: tensor.Shape{nominal, out}, wrt: []bool{true}, widths: []int{width}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		x := in[0].Float32s()
		rows := len(x) / width
		value, y := o.matrix(rows, out)
		o.stats = grow(o.stats, rows*a.Heads)
		n.turn().Apply(n.pool, rows, a.Heads+a.KVHeads, a.HeadDim, x, width, n.batch.angles)
		n.attend(layer, window, x, y, o.stats)
		return value, nil
	}
	o.diff = func(in G.Nodes, out, grad *G.Node) G.Nodes {
		result := n.saved(out)
		return G.Nodes{n.attentionGrad(window, grad, n.saved(in[0]), result, n.makers[result])}
	}
	return n.apply(o, G.Nodes{qkv})
}

func (n *network) kernel(window int) kernels.Attention {
	a := n.arch
	return kernels.Attention{
		Heads: a.Heads, KVHeads: a.KVHeads, Dim: a.HeadDim,
		Scale: float32(1 / math.Sqrt(float64(a.HeadDim))), Window: window,
	}
}

// turn returns the rotation by the angles at hand.
func (n *network) turn() kernels.Rotary {
	return kernels.Rotary{Half: n.rotary.Half, Cos: n.rotary.Cos, Sin: n.rotary.Sin}
}

// attend sets y from the turned x, piece by piece.
func (n *network) attend(layer, window int, x, y, sums []float32) {
	a, k := n.arch, n.kernel(window)
	width, q, kv := n.attentionWidth(), a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	path := n.path(layer)
	for _, p := range n.batch.Pieces {
		for i := range p.Rows {
			copy(path[(p.Start+i)*2*kv:(p.Start+i+1)*2*kv], x[(p.Row+i)*width+q:])
		}
		k.Forward(n.pool, p.Rows, p.Start, x[p.Row*width:], width, path, 2*kv, path[kv:], 2*kv,
			y[p.Row*q:], q, sums[p.Row*a.Heads:])
	}
}

// attentionGrad computes the gradient of q|k|v before they were turned. Each piece
// adds to the keys and values of all its ancestors: a prompt's get the gradient of
// every completion.
func (n *network) attentionGrad(window int, dy, qkv, result *G.Node, forward *op) *G.Node {
	a := n.arch
	width := n.attentionWidth()
	o := &op{name: "attention gradient", typ: matrixType, shape: tensor.Shape{nominal, width}, widths: []int{a.Heads * a.HeadDim, width, a.Heads * a.HeadDim}}
	o.run = func(in []*tensor.Dense) (G.Value, error) {
		dy, x, y := in[0].Float32s(), in[1].Float32s(), in[2].Float32s()
		rows := len(x) / width
		out, dx := o.matrix(rows, width)
		clear(dx)
		for i := len(n.batch.Pieces) - 1; i >= 0; i-- {
			n.attendGrad(i, window, dy, x, y, forward.stats, dx)
		}
		n.turn().Undo(n.pool, rows, a.Heads+a.KVHeads, a.HeadDim, dx, width, n.batch.angles)
		return out, nil
	}
	return n.apply(o, G.Nodes{dy, qkv, result})
}

// attendGrad adds to dx what one piece's rows cause.
func (n *network) attendGrad(at, window int, dy, x, y, sums, dx []float32) {
	a, k := n.arch, n.kernel(window)
	width, q, kv := n.attentionWidth(), a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	p := n.batch.Pieces[at]
	backward := func(keys, dkeys []float32, ld int) {
		k.Backward(n.pool, p.Rows, p.Start, x[p.Row*width:], width, keys, ld, keys[kv:], ld,
			y[p.Row*q:], q, sums[p.Row*a.Heads:], dy[p.Row*q:], q,
			dx[p.Row*width:], width, dkeys, ld, dkeys[kv:], ld)
	}
	if row, ok := n.batch.consecutive(at); ok {
		backward(x[row*width+q:], dx[row*width+q:], width)
		return
	}
	path := n.path(0)
	n.pathGrad = grow(n.pathGrad, len(path))
	dpath := n.pathGrad[:(p.Start+p.Rows)*2*kv]
	clear(dpath)
	n.batch.along(at, func(row, position int) {
		copy(path[position*2*kv:(position+1)*2*kv], x[row*width+q:])
	})
	backward(path, dpath, 2*kv)
	n.batch.along(at, func(row, position int) {
		to := dx[row*width+q : (row+1)*width]
		for i, v := range dpath[position*2*kv : (position+1)*2*kv] {
			to[i] += v
		}
	})
}

// path returns the room for a layer's keys and values, k|v by position.
func (n *network) path(layer int) []float32 {
	layer %= len(n.paths)
	n.paths[layer] = grow(n.paths[layer], n.batch.length*2*n.arch.KVHeads*n.arch.HeadDim)
	return n.paths[layer]
}
