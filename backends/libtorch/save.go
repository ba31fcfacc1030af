//go:build libtorch

package libtorch

import (
	"context"
	"slices"

	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// Save implements core.Model. Tensors go through the host one at a time.
func (m *Model) Save(ctx context.Context, dir string, o core.SaveOptions) error {
	var buffer []float32
	s := training.Model{Params: m.arch.Params(), Kept: settings.Float32, Values: func(t training.Tensor) ([]float32, error) {
		buffer = slices.Grow(buffer[:0], t.Size())[:t.Size()]
		return buffer, m.do(ctx, func() error { torch.Floats(m.tensor(t), buffer); return nil })
	}}
	if !m.options.MasterWeights {
		s.Kept = settings.BF16
	}
	if m.trainable {
		s.State = &m.optimizer
	}
	return training.Save(ctx, dir, o, s)
}

// resume goes on from a state that was saved.
func (m *Model) resume(ctx context.Context, s *training.Saved) error {
	if err := m.do(ctx, func() error { m.remember(s.State); return nil }); err != nil {
		return err
	}
	err := s.Restore(m.arch.Params(), func(t training.Tensor, from *checkpoint.Weights) error {
		values := make([]float32, t.Size())
		if err := from.Float32(t.Name, values); err != nil {
			return err
		}
		return m.do(ctx, func() error {
			var s torch.Scope
			defer s.Free()
			torch.Copy(m.tensor(t), s.FromFloats(m.device, torch.Float32, values, t.Shape...))
			return nil
		})
	})
	if err != nil {
		return err
	}
	return m.do(ctx, func() error {
		for _, w := range m.weights {
			w.round()
		}
		return nil
	})
}

// tensor returns a parameter's moment, or the parameter itself where that is -1.
func (m *Model) tensor(t training.Tensor) torch.Tensor {
	w := m.weights[t.Weight]
	if t.Moment >= 0 {
		return w.moments[t.Moment]
	}
	return w.value
}
