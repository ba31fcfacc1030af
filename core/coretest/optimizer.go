package coretest

import (
	"context"
	"fmt"
	"math"

	"github.com/stepwise-dpo/stepwise/core"
)

// optimizer is the state of AdamW or RMSprop, one slice a tensor.
type optimizer struct {
	name   string // of the optimizer that the moments belong to; empty = none yet
	steps  int
	first  [][]float64 // AdamW: running mean of the gradient
	second [][]float64 // running mean of its square
}

// Update implements core.Model. Clipping is torch.nn.utils.clip_grad_norm_'s.
func (m *Model) Update(ctx context.Context, u core.Update) (core.UpdateStats, error) {
	if m.closed {
		return core.UpdateStats{}, errClosed
	}
	if err := ctx.Err(); err != nil {
		return core.UpdateStats{}, err
	}
	if err := u.Check(); err != nil {
		return core.UpdateStats{}, err
	}
	if err := m.optimizer.prepare(u.Optimizer.Name, m.tensors()); err != nil {
		return core.UpdateStats{}, err
	}
	defer m.clearGradient()
	norm := m.gradNorm()
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return core.UpdateStats{GradNorm: norm}, fmt.Errorf("gradient norm %v: %w", norm, core.ErrNotFinite)
	}
	m.optimizer.step(m.tensors(), u, u.ClipScale(norm))
	return core.UpdateStats{GradNorm: norm}, nil
}

func (m *Model) gradNorm() float64 {
	sum := 0.0
	for _, t := range m.tensors() {
		for _, g := range t.grad {
			sum += g * g
		}
	}
	return math.Sqrt(sum)
}

func (m *Model) clearGradient() {
	for _, t := range m.tensors() {
		clear(t.grad)
	}
}

// prepare makes room for the moments at the first step and refuses a change of
// the optimizer in between.
func (o *optimizer) prepare(name string, tensors []*tensor) error {
	if o.name == name {
		return nil
	}
	if o.name != "" {
		return fmt.Errorf("optimizer %q: the model has been trained with %q", name, o.name)
	}
	o.name = name
	for _, t := range tensors {
		o.first = append(o.first, make([]float64, len(t.value)))
		o.second = append(o.second, make([]float64, len(t.value)))
	}
	return nil
}

// step takes one step on the gradient times scale and rounds the weights to
// float32.
func (o *optimizer) step(tensors []*tensor, u core.Update, scale float64) {
	o.steps++
	for i, t := range tensors {
		decay := u.Optimizer.WeightDecay
		if len(t.shape) == 1 {
			decay = 0
		}
		for k := range t.value {
			next := o.adamw
			if o.name == "rmsprop" {
				next = o.rmsprop
			}
			t.value[k] = float64(float32(next(t.value[k], t.grad[k]*scale, decay, u, &o.first[i][k], &o.second[i][k])))
		}
	}
}

// adamw is torch.optim.AdamW for one weight p with gradient g.
func (o *optimizer) adamw(p, g, decay float64, u core.Update, m, v *float64) float64 {
	c := u.Optimizer
	p *= 1 - u.LearningRate*decay
	*m = c.Beta1**m + (1-c.Beta1)*g
	*v = c.Beta2**v + (1-c.Beta2)*g*g
	mean := *m / (1 - math.Pow(c.Beta1, float64(o.steps)))
	square := *v / (1 - math.Pow(c.Beta2, float64(o.steps)))
	return p - u.LearningRate*mean/(math.Sqrt(square)+c.Epsilon)
}

// rmsprop is torch.optim.RMSprop for one weight p with gradient g.
func (o *optimizer) rmsprop(p, g, decay float64, u core.Update, _, v *float64) float64 {
	c := u.Optimizer
	g += decay * p
	*v = c.Alpha**v + (1-c.Alpha)*g*g
	return p - u.LearningRate*g/(math.Sqrt(*v)+c.Epsilon)
}
