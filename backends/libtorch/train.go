//go:build libtorch

package libtorch

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwise-dpo/stepwise/backends/internal/forecast"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// A tape is a pass forward that is followed by one backward.
type tape struct {
	*pass
	scope     torch.Scope    // owns all of it
	recompute bool           // activations are made anew in the backward pass
	stream    []torch.Tensor // before each stage, all of them where activations are made anew, else the first
	out       torch.Tensor   // after the last
	head      *head
}

// Accumulate runs the items' forest forward and backward in one batch.
func (m *Model) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	if !m.trainable {
		return fmt.Errorf("accumulate: %w", training.ErrScoring)
	}
	f, err := m.rotary.Plan(m.arch, items)
	if err != nil {
		return err
	}
	if f.Rows == 0 {
		return ctx.Err()
	}
	b := newBatch(f, &m.rotary, 0, f.Rows)
	l, err := forecast.NewLoad(core.NewWorkload(items))
	if err != nil {
		return err
	}
	t := &tape{recompute: m.recomputes(l)}
	defer func() { _ = torch.Do(func() error { t.scope.Free(); return nil }) }()
	if err := m.do(ctx, func() error { return m.forward(ctx, t, b) }); err != nil {
		return err
	}
	weights, err := t.weigh(items, grad)
	if err != nil {
		return err
	}
	begun := false
	err = m.do(ctx, func() error {
		begun = true
		return m.backward(ctx, t, weights)
	})
	if err != nil && begun {
		// Some layers have their gradient and some have not.
		return errors.Join(fmt.Errorf("the accumulated gradient is incomplete and was dropped: %w", err), m.clearGradient())
	}
	return err
}

// forward fills the tape up to the targets' log-probabilities.
func (m *Model) forward(ctx context.Context, t *tape, b *batch) error {
	s := &t.scope
	t.pass = m.network.newPass(s, b, &m.rotary, nil)
	x := s.Within(func(s *torch.Scope) torch.Tensor { return s.Leaf(t.embed(s)) })
	t.stream = []torch.Tensor{x}
	if t.recompute {
		for at := range t.stages() {
			torch.Must(ctx.Err())
			x = s.Within(func(s *torch.Scope) torch.Tensor { return t.stage(s, at, x) })
			t.stream = append(t.stream, x)
		}
	} else {
		torch.Record(func() { x = t.run(ctx, s, x) })
	}
	t.out = x
	t.head = &head{pass: t.pass, x: x}
	t.head.score(s, true, false)
	return nil
}

// run applies all stages to the leaf x.
func (t *tape) run(ctx context.Context, s *torch.Scope, x torch.Tensor) torch.Tensor {
	x = s.Within(func(s *torch.Scope) torch.Tensor { return t.stage(s, 0, x) })
	for at := 1; at < t.stages(); at++ {
		torch.Must(ctx.Err())
		x = s.Replace(x, func(s *torch.Scope) torch.Tensor { return t.stage(s, at, x) })
	}
	return x
}

// weigh asks grad for the weight of each completion's log-probability and returns
// that of each target.
func (t *tape) weigh(items []core.Item, grad core.GradFunc) ([]float32, error) {
	scores := prefix.NewScores(items, core.Detail{})
	t.head.addTo(scores)
	given, err := grad.Weights(scores.Items)
	if err != nil {
		return nil, err
	}
	weights := make([]float32, len(t.Targets))
	for i, target := range t.Targets {
		weights[i] = float32(given[target.Completion])
	}
	return weights, nil
}

// backward adds the gradient of the sum of weights times log-probabilities.
func (m *Model) backward(ctx context.Context, t *tape, weights []float32) error {
	s := &t.scope
	gradient := t.head.backward(s, weights)
	if t.recompute {
		for at := t.stages() - 1; at >= 0; at-- {
			torch.Must(ctx.Err())
			gradient = s.Replace(gradient, func(s *torch.Scope) torch.Tensor { return t.again(s, at, gradient) })
		}
	} else {
		torch.Backward(t.out, gradient)
		gradient = s.Gradient(t.stream[0])
	}
	for _, w := range m.weights {
		if w.separate() {
			torch.FoldGradient(w.value, w.used)
		}
	}
	return t.embedBackward(gradient)
}

// again computes a stage anew and returns the gradient of its input.
func (t *tape) again(s *torch.Scope, at int, gradient torch.Tensor) torch.Tensor {
	x := s.Leaf(t.stream[at])
	torch.Record(func() { torch.Backward(t.stage(s, at, x), gradient) })
	return s.Gradient(x)
}

// embedBackward adds each row of dx to the gradient of its token's row, but for the
// padding token's: see checkpoint.Architecture.Padding.
func (t *tape) embedBackward(dx torch.Tensor) error {
	var rows, tokens []int64
	for i, id := range t.Tokens {
		if int(id) != t.arch.Padding {
			rows, tokens = append(rows, int64(i)), append(tokens, int64(id))
		}
	}
	var s torch.Scope
	defer s.Free()
	if len(rows) < len(t.Tokens) {
		dx = s.Rows(dx, s.FromInts(t.device, rows))
	}
	torch.AddRows(t.embedding.value, s.FromInts(t.device, tokens), dx)
	return nil
}

func (m *Model) clearGradient() error {
	return torch.Do(func() error {
		for _, w := range m.weights {
			torch.ClearGradient(w.value)
			torch.ClearGradient(w.used)
		}
		return nil
	})
}
