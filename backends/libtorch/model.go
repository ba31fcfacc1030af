//go:build libtorch

package libtorch

import (
	"context"

	"github.com/stepwise-dpo/stepwise/backends/internal/rotary"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
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
	rotary  rotary.Table
	rows    int   // of a scoring pass; 0 = as the device likes
	room    int64 // bytes that the device had for the process before the model; 0 = unknown

	trainable bool
	optimizer training.State
}

var _ core.Model = (*Model)(nil)

// LogProbs scores all items as one forest, in batches of its rows.
func (m *Model) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	f, err := m.rotary.Plan(m.arch, items)
	if err != nil {
		return nil, err
	}
	scores := prefix.NewScores(items, d)
	before := make(past, m.arch.Layers)
	defer func() { _ = torch.Do(func() error { before.free(); return nil }) }()
	for row := 0; row < f.Rows; {
		b := newBatch(f, &m.rotary, row, m.scoringRows())
		var h *head
		if err := m.do(ctx, func() error { h = m.score(ctx, b, before, d); return nil }); err != nil {
			return nil, err
		}
		h.addTo(scores)
		row += len(b.Tokens)
		core.ReporterFrom(ctx).Progress("score", row, f.Rows)
	}
	return scores.Items, ctx.Err()
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
