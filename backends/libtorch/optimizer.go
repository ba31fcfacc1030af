//go:build libtorch

package libtorch

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
)

// An optimizer is what the optimizer remembers beside each weight's moments.
type optimizer struct {
	Name  string `json:"name"` // that the moments belong to; empty before the first step
	Steps int    `json:"steps"`
}

// momentNames are those of torch's state, by optimizer.
var momentNames = map[string][]string{"adamw": {"exp_avg.", "exp_avg_sq."}, "rmsprop": {"square_avg."}}

// Update clips the gradient by its global norm and takes a step of torch's AdamW
// or RMSprop.
func (m *Model) Update(ctx context.Context, u core.Update) (stats core.UpdateStats, err error) {
	if err := m.checkUpdate(u); err != nil {
		return stats, fmt.Errorf("update: %w", err)
	}
	begun := false
	err = m.do(ctx, func() (err error) {
		begun = true
		stats, err = m.update(u)
		return err
	})
	if !begun {
		return stats, err
	}
	return stats, errors.Join(err, m.clearGradient())
}

func (m *Model) checkUpdate(u core.Update) error {
	o := u.Optimizer
	switch {
	case !m.trainable:
		return errors.New("the model was opened for scoring only (open it with Train)")
	case momentNames[o.Name] == nil:
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
	return nil
}

func (m *Model) update(u core.Update) (core.UpdateStats, error) {
	norm := torch.GradientNorm(values(m.weights))
	stats := core.UpdateStats{GradNorm: norm}
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return stats, fmt.Errorf("gradient norm %g: %w", norm, core.ErrNotFinite)
	}
	scale := 1.0
	if u.MaxGradNorm > 0 {
		// torch.nn.utils.clip_grad_norm_: the coefficient is at most 1.
		scale = min(1, u.MaxGradNorm/(norm+1e-6))
	}
	m.remember(u.Optimizer.Name)
	m.optimizer.Steps++
	var decayed, spared []*weight
	for _, w := range m.weights {
		if w.decays() {
			decayed = append(decayed, w)
		} else {
			spared = append(spared, w)
		}
	}
	m.step(decayed, u, scale, u.Optimizer.WeightDecay)
	m.step(spared, u, scale, 0)
	for _, w := range m.weights {
		w.round()
	}
	torch.Synchronize(m.device) // so that an error is this call's, and so is the time
	return stats, nil
}

// remember makes room for the moments of an optimizer.
func (m *Model) remember(name string) {
	m.optimizer.Name = name
	for _, w := range m.weights {
		w.remember(len(momentNames[name]), m.device, m.kept())
	}
}

func (m *Model) step(ws []*weight, u core.Update, scale, decay float64) {
	if len(ws) == 0 {
		return
	}
	o := u.Optimizer
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
