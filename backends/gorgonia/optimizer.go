package gorgonia

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/core"
)

// An optimizer is what the optimizer remembers beside each weight's moments.
type optimizer struct {
	Name  string `json:"name"` // that the moments belong to; empty before the first step
	Steps int    `json:"steps"`
}

// momentCount says how many moments of the gradient an optimizer keeps a weight.
var momentCount = map[string]int{"adamw": 2, "rmsprop": 1}

// Update clips the gradient by its global norm and takes a step of torch's AdamW
// or RMSprop.
func (m *Model) Update(ctx context.Context, u core.Update) (core.UpdateStats, error) {
	if err := m.checkUpdate(u); err != nil {
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
	scale := float32(1)
	if u.MaxGradNorm > 0 {
		// torch.nn.utils.clip_grad_norm_: the coefficient is at most 1.
		scale = float32(min(1, u.MaxGradNorm/(stats.GradNorm+1e-6)))
	}
	m.optimizer.Name = u.Optimizer.Name
	m.optimizer.Steps++
	for _, w := range all {
		m.step(w, scale, u)
		w.round(m.pool)
	}
	return stats, nil
}

func (m *Model) checkUpdate(u core.Update) error {
	o := u.Optimizer
	count, ok := momentCount[o.Name]
	switch {
	case !m.trainable:
		return errors.New("the model was opened for scoring only (open it with Train)")
	case !ok:
		return fmt.Errorf("optimizer %q is not known (known: adamw, rmsprop)", o.Name)
	case m.optimizer.Name != "" && m.optimizer.Name != o.Name:
		return fmt.Errorf("the optimizer was %q so far and cannot become %q", m.optimizer.Name, o.Name)
	case u.MaxGradNorm < 0 || math.IsNaN(u.MaxGradNorm):
		return fmt.Errorf("max_grad_norm %g is not a norm", u.MaxGradNorm)
	}
	for _, c := range []float64{u.LearningRate, o.Beta1, o.Beta2, o.Alpha, o.Epsilon, o.WeightDecay} {
		if math.IsNaN(c) || math.IsInf(c, 0) || c < 0 {
			return fmt.Errorf("optimizer constant %g is not a number of at least 0", c)
		}
	}
	for _, w := range m.weights.all() {
		w.remember(count)
	}
	return nil
}

// remember makes room for the optimizer's moments.
func (w *weight) remember(count int) {
	for i := range count {
		if w.moments[i] == nil {
			w.moments[i] = make([]float32, w.size())
		}
	}
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
