package gorgonia

import (
	"context"
	"fmt"
	"math"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/core"
)

// Update clips the gradient by its global norm and takes a step of torch's AdamW
// or RMSprop.
func (m *Model) Update(ctx context.Context, u core.Update) (core.UpdateStats, error) {
	if !m.trainable {
		return core.UpdateStats{}, fmt.Errorf("update: %w", training.ErrScoring)
	}
	next, err := m.optimizer.Next(u)
	if err != nil {
		return core.UpdateStats{}, fmt.Errorf("update: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return core.UpdateStats{}, err
	}
	all := m.weights.all()
	sum := 0.0
	for _, w := range all {
		sum += kernels.SumSquares(m.pool, w.accumulated())
	}
	defer m.clearGradient()
	stats := core.UpdateStats{GradNorm: math.Sqrt(sum)}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return stats, fmt.Errorf("gradient norm %g: %w", stats.GradNorm, core.ErrNotFinite)
	}
	m.remember(next)
	for _, w := range all {
		m.step(w, float32(u.ClipScale(stats.GradNorm)), u)
		w.round(m.pool)
	}
	return stats, nil
}

// remember makes s the optimizer's state, with room for its moments.
func (m *Model) remember(s training.State) {
	for _, w := range m.weights.all() {
		for i := range s.Moments() {
			if w.moments[i] == nil {
				w.moments[i] = make([]float32, w.size())
			}
		}
	}
	m.optimizer = s
}

func (m *Model) step(w *weight, scale float32, u core.Update) {
	o, decay := u.Optimizer, 0.0
	if w.matrix {
		decay = o.WeightDecay
	}
	switch o.Name {
	case "adamw":
		s := kernels.AdamW{LR: u.LearningRate, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Epsilon, WeightDecay: decay}
		s.Step(m.pool, m.optimizer.Steps, scale, w.values, w.grad, w.moments[0], w.moments[1])
	case "rmsprop":
		s := kernels.RMSprop{LR: u.LearningRate, Alpha: o.Alpha, Eps: o.Epsilon, WeightDecay: decay}
		s.Step(m.pool, scale, w.values, w.grad, w.moments[0])
	}
}
