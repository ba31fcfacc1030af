//go:build libtorch

package libtorch

import (
	"context"
	"fmt"

	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// Rows that are scored in one pass: enough for the products to be at full speed.
// It changes no result beyond rounding.
const (
	scoringRowsCPU  = 1024
	scoringRowsCUDA = 8192
)

// A Model is a language model on a device.
type Model struct {
	arch    *checkpoint.Architecture
	options options
	device  torch.Device
	dtype   torch.DType
	weights []*weight // in the order of arch.Params
	network *network
	rotary  rotary
	rows    int   // of a scoring pass; 0 = as the device likes
	room    int64 // bytes that the device had for the process before the model; 0 = unknown

	trainable bool
	optimizer optimizer
}

var _ core.Model = (*Model)(nil)

// LogProbs scores all items as one forest, in batches of its rows.
func (m *Model) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	f, err := m.plan(items)
	if err != nil {
		return nil, err
	}
	scores, flat := emptyScores(items, d)
	before := make(past, m.arch.Layers)
	defer func() { _ = torch.Do(func() error { before.free(); return nil }) }()
	cut := slicer{forest: f, angles: m.rotary.row}
	for b := cut.next(m.scoringRows()); b != nil; b = cut.next(m.scoringRows()) {
		var h *head
		if err := m.do(ctx, func() error { h = m.score(ctx, b, before, d); return nil }); err != nil {
			return nil, err
		}
		h.collect(flat, d)
		core.ReporterFrom(ctx).Progress("score", cut.row, f.Rows)
	}
	return scores, ctx.Err()
}

func (m *Model) scoringRows() int {
	switch {
	case m.rows > 0:
		return m.rows
	case m.device == torch.CPU:
		return scoringRowsCPU
	}
	return scoringRowsCUDA
}

// score runs one batch forward.
func (m *Model) score(ctx context.Context, b *batch, before past, d core.Detail) *head {
	var s torch.Scope
	defer s.Free()
	p := m.network.newPass(&s, b, &m.rotary, before)
	x := p.embed(&s)
	for stage := range p.stages() {
		torch.Must(ctx.Err())
		x = s.Replace(x, func(s *torch.Scope) torch.Tensor { return p.stage(s, stage, x) })
	}
	h := &head{pass: p, x: x}
	h.score(&s, false, d.Greedy)
	return h
}

// plan builds the forest and the rotary table for it.
func (m *Model) plan(items []core.Item) (*prefix.Forest, error) {
	for i, item := range items {
		if err := item.Check(m.arch.VocabSize); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	f, err := prefix.Plan(items, m.arch.RoPE.LengthDependent)
	if err != nil {
		return nil, err
	}
	m.rotary.cover(m.arch.RoPE, f)
	return f, nil
}

// Close frees the weights.
func (m *Model) Close() error {
	return torch.Do(func() error {
		for _, w := range m.weights {
			w.free()
		}
		*m = Model{device: m.device}
		torch.ReleaseCache(m.device)
		return nil
	})
}

// emptyScores makes a score for each completion, and lists them in order.
func emptyScores(items []core.Item, d core.Detail) (scores [][]core.Score, flat []*core.Score) {
	scores = make([][]core.Score, len(items))
	for i, item := range items {
		scores[i] = make([]core.Score, len(item.Completions))
		for j, c := range item.Completions {
			s := &scores[i][j]
			s.Tokens, s.Greedy = len(c), d.Greedy
			if d.PerToken {
				s.TokenLogProbs = make([]float64, len(c))
			}
			flat = append(flat, s)
		}
	}
	return scores, flat
}

// collect adds the batch's targets to the scores of their completions, whose
// tokens come in order.
func (h *head) collect(scores []*core.Score, d core.Detail) {
	for i := range h.scored {
		for j := h.first[i]; j < h.first[i+1]; j++ {
			t, logp := h.targets[j], h.logp[j]
			s := scores[t.Completion]
			s.LogProb += logp
			if d.PerToken {
				s.TokenLogProbs[t.Index] = logp
			}
			s.Greedy = s.Greedy && h.argmax[i] == int64(t.Token)
		}
	}
}
