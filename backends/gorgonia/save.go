package gorgonia

import (
	"context"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// Save implements core.Model.
func (m *Model) Save(ctx context.Context, dir string, o core.SaveOptions) error {
	places := m.places()
	s := training.Model{Params: m.arch.Params(), Kept: settings.Float32, Values: func(t training.Tensor) ([]float32, error) {
		return places[t.Weight].values(m.pool, t.Moment), nil
	}}
	if m.trainable {
		s.State = &m.optimizer
	}
	return training.Save(ctx, dir, o, s)
}

// resume goes on from a state that was saved.
func (m *Model) resume(s *training.Saved) error {
	m.remember(s.State)
	places := m.places()
	err := s.Restore(m.arch.Params(), func(t training.Tensor, from *checkpoint.Weights) error {
		return from.Float32(t.Name, places[t.Weight].values(m.pool, t.Moment))
	})
	if err != nil {
		return err
	}
	for _, w := range m.weights.all() {
		w.round(m.pool)
	}
	return nil
}

// A place is where a parameter is in a weight.
type place struct {
	weight   *weight
	from, to int
}

// places returns that of each parameter of the architecture.
func (m *Model) places() []place {
	of := map[string]place{}
	for _, w := range m.weights.all() {
		from := 0
		for _, p := range w.parts {
			of[p.Name] = place{w, from, from + p.Size()}
			from += p.Size()
		}
	}
	var list []place
	for _, p := range m.arch.Params() {
		list = append(list, of[p.Name])
	}
	return list
}

// values returns the parameter's moment, or the parameter itself where that is -1,
// widened where it is bfloat16 alone.
func (p place) values(pool *kernels.Pool, moment int) []float32 {
	w := p.weight
	switch {
	case moment >= 0:
		return w.moments[moment][p.from:p.to]
	case w.values != nil:
		return w.values[p.from:p.to]
	}
	wide := make([]float32, p.to-p.from)
	kernels.BF16ToF32(pool, wide, w.half[p.from:p.to])
	return wide
}
