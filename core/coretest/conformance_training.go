package coretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"

	"github.com/stepwise-dpo/stepwise/core"
)

var trainingChecks = []check[*backendSuite]{
	{"grad sees what LogProbs says", checkGradScores},
	{"micro-batches add up", checkMicroBatches},
	{"an error of grad leaves the gradient", checkGradError},
	{"weights of the wrong shape are refused", checkWrongWeights},
	{"a gradient that is not finite leaves the weights", checkNotFinite},
	{"an update clears the gradient", func(ctx context.Context, s *backendSuite) error {
		return s.with(ctx, func(m core.Model) error {
			if _, err := s.accumulatedNorm(ctx, m, s.items()); err != nil {
				return err
			}
			stats, err := m.Update(ctx, sgd(0))
			if err == nil && stats.GradNorm != 0 {
				return fmt.Errorf("the gradient's norm is %v after an update", stats.GradNorm)
			}
			return err
		})
	}},
	{"saved and opened goes on to the bit: adamw", func(ctx context.Context, s *backendSuite) error {
		return checkResume(ctx, s, adamw)
	}},
	{"saved and opened goes on to the bit: rmsprop", func(ctx context.Context, s *backendSuite) error {
		return checkResume(ctx, s, rmsprop)
	}},
}

// Updates as the presets have them, with a rate that moves a tiny model.
var (
	adamw = core.Update{LearningRate: 1e-3, MaxGradNorm: 1, Optimizer: core.Optimizer{
		Name: "adamw", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.1,
	}}
	rmsprop = core.Update{LearningRate: 1e-4, Optimizer: core.Optimizer{
		Name: "rmsprop", Alpha: 0.99, Epsilon: 1e-8, WeightDecay: 0.1,
	}}
)

// accumulatedNorm accumulates over each of the calls and returns the norm of
// the gradient, leaving the weights.
func (s *backendSuite) accumulatedNorm(ctx context.Context, m core.Model, calls ...[]core.Item) (float64, error) {
	for _, items := range calls {
		if err := m.Accumulate(ctx, items, fixed); err != nil {
			return 0, err
		}
	}
	stats, err := m.Update(ctx, sgd(0))
	if err == nil && !(stats.GradNorm > 0) {
		return 0, fmt.Errorf("the gradient's norm is %v", stats.GradNorm)
	}
	return stats.GradNorm, err
}

// sameNorm compares norms of gradients that should differ by rounding alone.
func (s *backendSuite) sameNorm(what string, a, b float64) error {
	if math.Abs(a-b) <= s.options.Gradient*math.Abs(a) {
		return nil
	}
	return fmt.Errorf("%s: the gradient's norm is %v, then %v", what, a, b)
}

func checkGradScores(ctx context.Context, s *backendSuite) error {
	return s.with(ctx, func(m core.Model) error {
		want, err := m.LogProbs(ctx, s.items(), core.Detail{})
		if err != nil {
			return err
		}
		var got [][]core.Score
		err = m.Accumulate(ctx, s.items(), func(scores [][]core.Score) ([][]float64, error) {
			got = scores
			return fixed(scores)
		})
		return errors.Join(err, s.checkScores("LogProbs, then Accumulate", want, got))
	})
}

// checkMicroBatches cuts a batch in two. The weights of fixed depend on the
// place of a completion in its call, so the first call holds six completions.
func checkMicroBatches(ctx context.Context, s *backendSuite) error {
	return s.with(ctx, func(m core.Model) error {
		items := s.items()
		whole, err := s.accumulatedNorm(ctx, m, items)
		if err != nil {
			return err
		}
		cut, err := s.accumulatedNorm(ctx, m, items[:2], items[2:])
		if err != nil {
			return err
		}
		return s.sameNorm("one batch, then two micro-batches", whole, cut)
	})
}

func checkGradError(ctx context.Context, s *backendSuite) error {
	return s.with(ctx, func(m core.Model) error {
		want, err := s.accumulatedNorm(ctx, m, s.pairs())
		if err != nil {
			return err
		}
		err = m.Accumulate(ctx, s.items(), func([][]core.Score) ([][]float64, error) { return nil, errProbe })
		if err := wantError("Accumulate with a failing grad", err, errProbe); err != nil {
			return err
		}
		got, err := s.accumulatedNorm(ctx, m, s.pairs())
		if err != nil {
			return err
		}
		return s.sameNorm("before and after a failed Accumulate", want, got)
	})
}

func checkWrongWeights(ctx context.Context, s *backendSuite) error {
	wrong := map[string][][]float64{
		"no weights":         nil,
		"a row too few":      {{1, 1}},
		"a weight too many":  {{1, 1}, {1, 1, 1}},
		"a weight too few":   {{1}, {1, 1}},
		"a row without any":  {{1, 1}, nil},
		"three rows for two": {{1, 1}, {1, 1}, {1, 1}},
	}
	return s.with(ctx, func(m core.Model) error {
		for what, weights := range wrong {
			err := m.Accumulate(ctx, s.pairs(), func([][]core.Score) ([][]float64, error) { return weights, nil })
			if err == nil {
				return fmt.Errorf("Accumulate accepts %s", what)
			}
		}
		stats, err := m.Update(ctx, sgd(0))
		if err == nil && stats.GradNorm != 0 {
			return fmt.Errorf("the gradient's norm is %v after refused weights", stats.GradNorm)
		}
		return err
	})
}

func checkNotFinite(ctx context.Context, s *backendSuite) error {
	return s.with(ctx, func(m core.Model) error {
		before, err := m.LogProbs(ctx, s.items(), core.Detail{PerToken: true})
		if err != nil {
			return err
		}
		for _, bad := range []float64{math.NaN(), math.Inf(1)} {
			err := m.Accumulate(ctx, s.pairs(), func([][]core.Score) ([][]float64, error) {
				return [][]float64{{bad, 0}, {0, 0}}, nil
			})
			if err == nil {
				_, err = m.Update(ctx, sgd(1))
			}
			if err := wantError(fmt.Sprintf("an update with the weight %v", bad), err, core.ErrNotFinite); err != nil {
				return err
			}
		}
		after, err := m.LogProbs(ctx, s.items(), core.Detail{PerToken: true})
		if err == nil && !reflect.DeepEqual(before, after) {
			return errors.New("the weights changed with a gradient that is not finite")
		}
		return err
	})
}

// checkResume trains, saves, and trains on; then opens what was saved and
// trains on from there. The files must be equal byte by byte.
func checkResume(ctx context.Context, s *backendSuite, u core.Update) error {
	middle, err := s.folder()
	if err != nil {
		return err
	}
	var straight, resumed []byte
	err = s.with(ctx, func(m core.Model) error {
		if err := train(ctx, m, u, s.pairs(), s.items()); err != nil {
			return err
		}
		if err := m.Save(ctx, middle, core.SaveOptions{DType: "float32", State: true}); err != nil {
			return err
		}
		straight, err = s.trainedBytes(ctx, m, u)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.completeFolder(middle); err != nil {
		return err
	}
	o := s.openOptions()
	o.State = middle
	err = s.withModel(ctx, middle, o, func(m core.Model) error {
		resumed, err = s.trainedBytes(ctx, m, u)
		return err
	})
	if err == nil && !bytes.Equal(straight, resumed) {
		return errors.New("training that was saved and opened ends with other weights than training straight on")
	}
	return err
}

// train takes one step a batch.
func train(ctx context.Context, m core.Model, u core.Update, batches ...[]core.Item) error {
	for _, items := range batches {
		if err := m.Accumulate(ctx, items, fixed); err != nil {
			return err
		}
		if _, err := m.Update(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// trainedBytes takes two steps and returns the weights' file.
func (s *backendSuite) trainedBytes(ctx context.Context, m core.Model, u core.Update) ([]byte, error) {
	if err := train(ctx, m, u, s.items(), s.pairs()); err != nil {
		return nil, err
	}
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	if err := m.Save(ctx, dir, core.SaveOptions{DType: "float32"}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, weightsFile))
}

// completeFolder copies to dir what Save does not write: the configuration and
// the tokenizer's files, which the host carries over.
func (s *backendSuite) completeFolder(dir string) error {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		to := filepath.Join(dir, e.Name())
		if _, err := os.Stat(to); err == nil || !e.Type().IsRegular() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(s.path, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}
