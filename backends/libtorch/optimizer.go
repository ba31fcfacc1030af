//go:build libtorch

package libtorch

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
)

// Update clips the gradient by its global norm and takes a step of torch's AdamW
// or RMSprop.
func (m *Model) Update(ctx context.Context, u core.Update) (stats core.UpdateStats, err error) {
	if !m.trainable {
		return stats, fmt.Errorf("update: %w", training.ErrScoring)
	}
	next, err := m.optimizer.Next(u)
	if err != nil {
		return stats, fmt.Errorf("update: %w", err)
	}
	begun := false
	err = m.do(ctx, func() (err error) {
		begun = true
		stats, err = m.update(u, next)
		return err
	})
	if !begun {
		return stats, err
	}
	return stats, errors.Join(err, m.clearGradient())
}

func (m *Model) update(u core.Update, next training.State) (core.UpdateStats, error) {
	norm := torch.GradientNorm(values(m.weights))
	stats := core.UpdateStats{GradNorm: norm}
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return stats, fmt.Errorf("gradient norm %g: %w", norm, core.ErrNotFinite)
	}
	m.remember(next)
	var decayed, spared []*weight
	for _, w := range m.weights {
		if w.decays() {
			decayed = append(decayed, w)
		} else {
			spared = append(spared, w)
		}
	}
	m.step(decayed, u, norm, u.Optimizer.WeightDecay)
	m.step(spared, u, norm, 0)
	for _, w := range m.weights {
		w.round()
	}
	torch.Synchronize(m.device) // so that an error is this call's, and so is the time
	return stats, nil
}

// remember makes s the optimizer's state, with room for its moments.
func (m *Model) remember(s training.State) {
	for _, w := range m.weights {
		w.remember(s.Moments(), m.device, m.kept())
	}
	m.optimizer = s
}

func (m *Model) step(ws []*weight, u core.Update, norm, decay float64) {
	if len(ws) == 0 {
		return
	}
	o, scale := u.Optimizer, u.ClipScale(norm)
	switch o.Name {
	case "adamw":
		torch.AdamW{
			Step: m.optimizer.Steps, LearningRate: u.LearningRate, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Epsilon,
			Decay: decay, Scale: scale,
		}.Apply(values(ws), moments(ws, 0), moments(ws, 1))
	case "rmsprop":
		torch.RMSprop{
			LearningRate: u.LearningRate, Alpha: o.Alpha, Eps: o.Epsilon, Decay: decay, Scale: scale,
		}.Apply(values(ws), moments(ws, 0))
	}
}

func values(ws []*weight) []torch.Tensor {
	out := make([]torch.Tensor, len(ws))
	for i, w := range ws {
		out[i] = w.value
	}
	return out
}

func moments(ws []*weight, at int) []torch.Tensor {
	out := make([]torch.Tensor, len(ws))
	for i, w := range ws {
		out[i] = w.moments[at]
	}
	return out
}
