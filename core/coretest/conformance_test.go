package coretest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

func TestTheDoubleConforms(t *testing.T) {
	path := t.TempDir()
	if err := WriteModel(path, 40, 5, 1); err != nil {
		t.Fatal(err)
	}
	TestBackend(t, Backend{}, path, BackendOptions{LogProb: 1e-9, Gradient: 1e-3})
}

// faulty is the double with one fault. Each fault must be seen by the check
// that is named for it, or the check is worth nothing.
type faulty struct {
	*Model
	logProbs   func(*Model, []core.Item, [][]core.Score) [][]core.Score
	accumulate func(context.Context, *Model, []core.Item, core.GradFunc) error
	update     func(context.Context, *Model, core.Update) (core.UpdateStats, error)
	forgetful  bool // Save leaves the optimizer's moments out
}

func (f *faulty) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	scores, err := f.Model.LogProbs(ctx, items, d)
	if err == nil && f.logProbs != nil {
		scores = f.logProbs(f.Model, items, scores)
	}
	return scores, err
}

func (f *faulty) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	if f.accumulate == nil {
		return f.Model.Accumulate(ctx, items, grad)
	}
	return f.accumulate(ctx, f.Model, items, grad)
}

func (f *faulty) Update(ctx context.Context, u core.Update) (core.UpdateStats, error) {
	if f.update == nil {
		return f.Model.Update(ctx, u)
	}
	return f.update(ctx, f.Model, u)
}

func (f *faulty) Save(ctx context.Context, dir string, o core.SaveOptions) error {
	if f.forgetful {
		kept := f.Model.optimizer
		f.Model.optimizer = optimizer{}
		defer func() { f.Model.optimizer = kept }()
	}
	return f.Model.Save(ctx, dir, o)
}

type faultyBackend struct {
	Backend
	fault faulty
}

func (b faultyBackend) Open(ctx context.Context, path string, o core.OpenOptions) (core.Model, error) {
	m, err := b.Backend.Open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	f := b.fault
	f.Model = m.(*Model)
	return &f, nil
}

// scaled returns an Accumulate that multiplies the gradient of one tensor.
func scaled(name string, by float64) faulty {
	return faulty{accumulate: func(ctx context.Context, m *Model, items []core.Item, grad core.GradFunc) error {
		for _, p := range m.tensors() {
			if p.name == name {
				before := slices.Clone(p.grad)
				defer func() {
					for k := range p.grad {
						p.grad[k] = before[k] + by*(p.grad[k]-before[k])
					}
				}()
			}
		}
		return m.Accumulate(ctx, items, grad)
	}}
}

var faults = map[string][]faulty{
	"probabilities sum to one": {{logProbs: func(_ *Model, _ []core.Item, s [][]core.Score) [][]core.Score {
		for i := range s {
			for j := range s[i] {
				s[i][j].LogProb += 0.01
			}
		}
		return s
	}}},
	"order and details of scores": {{logProbs: func(_ *Model, _ []core.Item, s [][]core.Score) [][]core.Score {
		slices.SortFunc(s, func(a, b []core.Score) int { return len(a) - len(b) })
		return s
	}}},
	"cuts change no score": {{logProbs: func(_ *Model, items []core.Item, s [][]core.Score) [][]core.Score {
		s[len(s)-1][0].LogProb += 1e-3 * float64(len(items))
		return s
	}}},
	"micro-batches add up": {{accumulate: func(ctx context.Context, m *Model, items []core.Item, grad core.GradFunc) error {
		m.clearGradient()
		return m.Accumulate(ctx, items, grad)
	}}},
	"an error of grad leaves the gradient": {{accumulate: func(ctx context.Context, m *Model, items []core.Item, grad core.GradFunc) error {
		var failed error
		err := m.Accumulate(ctx, items, func(s [][]core.Score) ([][]float64, error) {
			w, err := grad(s)
			if failed = err; err != nil {
				return fixed(s)
			}
			return w, nil
		})
		return errors.Join(err, failed)
	}}},
	"an update clears the gradient": {{update: func(ctx context.Context, m *Model, u core.Update) (core.UpdateStats, error) {
		before := slices.Clone(m.bias.grad)
		defer func() { copy(m.bias.grad, before) }()
		return m.Update(ctx, u)
	}}},
	"a gradient that is not finite leaves the weights": {{update: func(ctx context.Context, m *Model, u core.Update) (core.UpdateStats, error) {
		stats, err := m.Update(ctx, u)
		if errors.Is(err, core.ErrNotFinite) {
			m.bias.value[0] = math.NaN()
		}
		return stats, err
	}}},
	"gradient equals finite differences": {
		scaled("embed.weight", 0), scaled("hidden.weight", 1.1), scaled("hidden.bias", -1), scaled("head.weight", 0.9),
	},
	"saved and opened goes on to the bit: adamw": {{forgetful: true}},
	"adamw is torch's": {{update: func(ctx context.Context, m *Model, u core.Update) (core.UpdateStats, error) {
		u.Optimizer.WeightDecay = 0
		return m.Update(ctx, u)
	}}},
	"rmsprop is torch's": {{update: func(ctx context.Context, m *Model, u core.Update) (core.UpdateStats, error) {
		u.LearningRate *= 0.9
		return m.Update(ctx, u)
	}}},
	"clipping is torch's": {{update: func(ctx context.Context, m *Model, u core.Update) (core.UpdateStats, error) {
		u.MaxGradNorm = 0
		return m.Update(ctx, u)
	}}},
}

func TestTheSuiteSeesFaults(t *testing.T) {
	path := t.TempDir()
	if err := WriteModel(path, 40, 5, 1); err != nil {
		t.Fatal(err)
	}
	checks := slices.Concat(scoringChecks, trainingChecks, gradientChecks)
	for name, cases := range faults {
		i := slices.IndexFunc(checks, func(c check[*backendSuite]) bool { return c.name == name })
		if i < 0 {
			t.Fatalf("no check %q", name)
		}
		for _, fault := range cases {
			s, err := newBackendSuite(faultyBackend{fault: fault}, path, BackendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			s.scratch = t.TempDir()
			if err := checks[i].run(t.Context(), s); err == nil {
				t.Errorf("%q does not see its fault", name)
			} else {
				t.Logf("%s: %v", name, err)
			}
		}
	}
}
