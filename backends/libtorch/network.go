//go:build libtorch

package libtorch

import (
	"math"

	"github.com/stepwise-dpo/stepwise/backends/internal/logits"
	"github.com/stepwise-dpo/stepwise/backends/internal/rotary"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// A network is the model's blocks over weights on a device.
type network struct {
	arch      *checkpoint.Architecture
	device    torch.Device
	dtype     torch.DType
	kernel    torch.Kernel // of attention, where it knows the block's window
	embedding *weight
	blocks    []block
	finalNorm *weight
	head      *weight

	budget logits.Budget // of training; tests set others
}

// A block is one layer. What the family lacks is nil.
type block struct {
	window             int
	attentionNorm      *weight
	query, key, value  linear
	queryNorm, keyNorm *weight
	output             linear
	ffnNorm            *weight
	gate, up, down     linear
}

type linear struct{ weight, bias *weight }

func newNetwork(m *Model) *network {
	of := map[string]*weight{} // nil of the absent parameter, whose name is empty
	for _, w := range m.weights {
		of[w.param.Name] = w
	}
	line := func(l checkpoint.Linear) linear { return linear{of[l.Weight.Name], of[l.Bias.Name]} }
	n := &network{
		arch: m.arch, device: m.device, dtype: m.dtype, kernel: torch.PackedKernel(m.device, m.dtype, m.arch.HeadDim),
		embedding: of[m.arch.Embedding.Name], finalNorm: of[m.arch.FinalNorm.Name], head: of[m.arch.Head.Name],
		budget: logits.Training,
	}
	for _, b := range m.arch.Blocks {
		n.blocks = append(n.blocks, block{
			window: b.Window, attentionNorm: of[b.AttentionNorm.Name],
			query: line(b.Query), key: line(b.Key), value: line(b.Value),
			queryNorm: of[b.QueryNorm.Name], keyNorm: of[b.KeyNorm.Name], output: line(b.Output),
			ffnNorm: of[b.FFNNorm.Name], gate: line(b.Gate), up: line(b.Up), down: line(b.Down),
		})
	}
	return n
}

// A pass is one batch on its way through the network.
type pass struct {
	*network
	*batch
	cos, sin torch.Tensor           // [rows, 1, half a head]
	sizes    []int64                // rows of each piece
	paths    []path                 // of each piece, to its last row
	spans    torch.Spans            // pieces, and the keys of their paths
	masks    map[int][]torch.Tensor // of a window, by piece, where the kernel reads them
	past     past                   // none in training
}

// newPass puts the batch on the device; s owns what lives as long as the pass.
func (n *network) newPass(s *torch.Scope, b *batch, r *rotary.Table, before past) *pass {
	p := &pass{network: n, batch: b, masks: map[int][]torch.Tensor{}, past: before}
	p.cos, p.sin = n.lookup(s, r.Cos, r.Half, b.angles), n.lookup(s, r.Sin, r.Half, b.angles)
	keys := make([]int64, len(b.Pieces))
	for i, piece := range b.Pieces {
		p.sizes = append(p.sizes, int64(piece.Rows))
		p.paths = append(p.paths, p.path(i, piece.Start))
		keys[i] = int64(piece.End())
	}
	p.spans = s.Spans(n.device, p.sizes, keys)
	for _, block := range n.blocks {
		if _, ok := p.masks[block.window]; !ok && p.kernelFor(block.window) == torch.OneByOne {
			for _, piece := range b.Pieces {
				p.masks[block.window] = append(p.masks[block.window], p.mask(s, piece, block.window))
			}
		}
	}
	return p
}

// lookup puts rows of a table [rows, half a head] on the device.
func (n *network) lookup(s *torch.Scope, table []float32, half int, rows []int32) torch.Tensor {
	x := make([]float32, 0, len(rows)*half)
	for _, at := range rows {
		x = append(x, table[int(at)*half:(int(at)+1)*half]...)
	}
	return s.FromFloats(n.device, n.dtype, x, len(rows), 1, half)
}

// kernelFor returns the kernel for a block's window.
func (n *network) kernelFor(window int) torch.Kernel {
	if window > 0 && n.kernel == torch.Efficient {
		return torch.OneByOne
	}
	return n.kernel
}

// mask returns what is added to the scores of a piece's rows and the positions up
// to its last: 0 where a row sees a position, else -infinity. There is none where
// torch.PackedAttention needs none.
func (p *pass) mask(s *torch.Scope, at prefix.Piece, window int) torch.Tensor {
	rows, start := at.Rows, at.Start
	inside := window == 0 || start+rows <= window
	if inside && (start == 0 || rows == 1) {
		return torch.Tensor{}
	}
	hidden := s.Full(p.device, p.dtype, math.Inf(-1), int64(rows), int64(start+rows))
	mask := s.Triu(hidden, start+1)
	if window > 0 {
		mask = s.Add(mask, s.Tril(hidden, start-window))
	}
	return mask
}

// embed returns the residual stream [rows, Hidden] before the first block.
func (p *pass) embed(s *torch.Scope) torch.Tensor {
	ids := make([]int64, len(p.Tokens))
	for i, id := range p.Tokens {
		ids[i] = int64(id)
	}
	return s.Rows(p.embedding.used, s.FromInts(p.device, ids))
}

// stages is the number of functions of the residual stream that the model is made
// of: its blocks, and what makes the head's input of it.
func (p *pass) stages() int { return len(p.blocks) + 1 }

// stage applies one of them to x.
func (p *pass) stage(s *torch.Scope, at int, x torch.Tensor) torch.Tensor {
	if at < len(p.blocks) {
		return p.block(s, at, x)
	}
	scored := s.Rows(x, s.FromInts(p.device, p.scored))
	return s.RMSNorm(scored, p.finalNorm.used, p.arch.NormEps)
}

// block returns the residual stream after a layer.
func (p *pass) block(s *torch.Scope, layer int, x torch.Tensor) torch.Tensor {
	b := &p.blocks[layer]
	x = s.Within(func(s *torch.Scope) torch.Tensor {
		return s.Add(x, p.attention(s, layer, s.RMSNorm(x, b.attentionNorm.used, p.arch.NormEps)))
	})
	return s.Within(func(s *torch.Scope) torch.Tensor {
		h := s.RMSNorm(x, b.ffnNorm.used, p.arch.NormEps)
		return s.Add(x, b.down.of(s, s.Mul(s.SiLU(b.gate.of(s, h)), b.up.of(s, h))))
	})
}

// of returns x W^T + b.
func (l linear) of(s *torch.Scope, x torch.Tensor) torch.Tensor {
	var bias torch.Tensor
	if l.bias != nil {
		bias = l.bias.used
	}
	return s.Linear(x, l.weight.used, bias)
}

// attention returns Output(attention) of the normed rows h.
func (p *pass) attention(s *torch.Scope, layer int, h torch.Tensor) torch.Tensor {
	b, a := &p.blocks[layer], p.arch
	q := p.heads(s, b.query.of(s, h), a.Heads, b.queryNorm)
	k := p.heads(s, b.key.of(s, h), a.KVHeads, b.keyNorm)
	v := s.Reshape(b.value.of(s, h), -1, int64(a.KVHeads), int64(a.HeadDim))
	q, k = s.Rotate(q, p.cos, p.sin), s.Rotate(k, p.cos, p.sin)

	keys, values := s.Split(k, p.sizes), s.Split(v, p.sizes)
	before := p.past.layer(layer)
	y := s.PackedAttention(p.kernelFor(b.window), q, along(s, before.keys, keys, p.paths...),
		along(s, before.values, values, p.paths...), p.spans, b.window, p.masks[b.window])
	p.past.advance(s, layer, cache{along(s, before.keys, keys, p.next), along(s, before.values, values, p.next)})
	return b.output.of(s, s.Reshape(y, -1, int64(a.Heads*a.HeadDim)))
}

// heads cuts rows into heads [rows, heads, dim] and norms each, where the family does.
func (p *pass) heads(s *torch.Scope, x torch.Tensor, heads int, norm *weight) torch.Tensor {
	x = s.Reshape(x, -1, int64(heads), int64(p.arch.HeadDim))
	if norm != nil {
		x = s.RMSNorm(x, norm.used, p.arch.NormEps)
	}
	return x
}

// along joins what paths hold in a layer, one after the other: the past's positions,
// and those of the pieces. It is none where the paths are empty.
func along(s *torch.Scope, past torch.Tensor, pieces []torch.Tensor, paths ...path) torch.Tensor {
	var parts []torch.Tensor
	for _, way := range paths {
		if way.past > 0 {
			parts = append(parts, s.Narrow(past, 0, 0, way.past))
		}
		for _, at := range way.pieces {
			parts = append(parts, pieces[at])
		}
	}
	if len(parts) == 0 {
		return torch.Tensor{}
	}
	return s.Cat(parts, 0)
}
