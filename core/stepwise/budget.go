package stepwise

import (
	"context"
	"errors"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// Micro-batches larger than this gain nothing on any backend that we measured.
const largestMicroBatch = 4096

// microBatchTokens returns micro_batch_tokens, or the largest budget whose
// forecast fits into four fifths of the device's memory.
func (l *loop) microBatchTokens(ctx context.Context, t *training) (int, error) {
	if n := t.cfg.MicroBatchTokens; n > 0 {
		return n, nil
	}
	f, ok := l.Backend.(core.Forecaster)
	if !ok {
		return largestMicroBatch, nil
	}
	dir, _ := l.targetDir(t.step)
	for budget := largestMicroBatch; budget > 256; budget /= 2 {
		t.budget = budget
		forecast, err := f.Forecast(ctx, dir, l.openOptions(""), core.Workload{MicroBatch: shapes(t.costliest())})
		if errors.Is(err, core.ErrUnsupported) {
			return largestMicroBatch, nil
		}
		if err != nil {
			return 0, err
		}
		if forecast.AvailableBytes == 0 || forecast.PeakBytes <= forecast.AvailableBytes/5*4 {
			return budget, nil
		}
	}
	return 256, nil
}

// costliest returns the micro-batch of the first epoch with the most tokens.
func (t *training) costliest() []example {
	var most []example
	for u := range t.perEpoch {
		for _, micro := range t.cut(t.batch(u)) {
			if tokensOf(micro) > tokensOf(most) {
				most = slices.Clone(micro)
			}
		}
	}
	return most
}

func tokensOf(examples []example) (n int) {
	for _, e := range examples {
		n += e.shared()
	}
	return n
}

func shapes(examples []example) []core.ItemShape {
	out := make([]core.ItemShape, len(examples))
	for i, e := range examples {
		out[i].Prompt = len(e.item.Prompt)
		for _, c := range e.item.Completions {
			out[i].Completions = append(out[i].Completions, len(c))
		}
	}
	return out
}

// Estimate is a forecast for a whole run.
type Estimate struct {
	core.Forecast
	MicroBatchTokens int
	Tokens           int // computed in all epochs, the prompt of a pair once
}

// Estimate asks the backend for a forecast of training on every pair, the
// partition being unknown yet.
func (r *Run) Estimate(ctx context.Context) (Estimate, error) {
	f, ok := r.Backend.(core.Forecaster)
	if !ok {
		return Estimate{}, core.ErrUnsupported
	}
	var all core.Step
	for i := range r.Sources {
		all.Pairs = append(all.Pairs, core.WholeSource(r.Sources, i)...)
	}
	l := &loop{Run: r, steps: []core.Step{all}}
	t, err := l.newTraining(1, make([]record.PairScore, len(all.Pairs)), nil)
	if err != nil {
		return Estimate{}, err
	}
	if t.budget, err = l.microBatchTokens(ctx, t); err != nil {
		return Estimate{}, err
	}
	forecast, err := f.Forecast(ctx, r.Base, l.openOptions(""), core.Workload{MicroBatch: shapes(t.costliest())})
	tokens := int(float64(tokensOf(t.examples)) * t.cfg.NumTrainEpochs)
	return Estimate{forecast, t.budget, tokens}, err
}
