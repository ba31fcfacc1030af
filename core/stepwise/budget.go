package stepwise

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// Micro-batches larger than this gain nothing on any backend that we measured.
const (
	largestMicroBatch  = 4096
	smallestMicroBatch = 256
)

// microBatchTokens returns micro_batch_tokens, or the largest budget whose
// forecast fits into four fifths of the device's memory: without making activations
// anew, which takes a third more work, if any does.
func (l *loop) microBatchTokens(ctx context.Context, t *training) (int, error) {
	if n := t.cfg.MicroBatchTokens; n > 0 {
		return n, nil
	}
	f, ok := l.Backend.(core.Forecaster)
	if !ok {
		return largestMicroBatch, nil
	}
	dir, _ := l.targetDir(t.step)
	recomputing := 0 // the largest budget that fits by making activations anew; 0 = none
	for budget := largestMicroBatch; budget >= smallestMicroBatch; budget /= 2 {
		t.budget = budget
		forecast, err := f.Forecast(ctx, dir, l.openOptions(""), workload(t.costliest()))
		if errors.Is(err, core.ErrUnsupported) {
			return largestMicroBatch, nil
		}
		if err != nil {
			return 0, err
		}
		fits := forecast.AvailableBytes == 0 || forecast.PeakBytes <= forecast.AvailableBytes/5*4
		if fits && !forecast.Recompute {
			return budget, nil
		}
		if fits && recomputing == 0 {
			recomputing = budget
		}
	}
	if recomputing > 0 {
		return recomputing, nil
	}
	core.ReporterFrom(ctx).Note(fmt.Sprintf("memory is short: micro-batches of at most %d tokens", smallestMicroBatch))
	return smallestMicroBatch, nil
}

// costliest returns the micro-batch of the first epoch with the most tokens.
func (t *training) costliest() []example {
	var most []example
	order := t.order(0)
	for u := range t.perEpoch {
		for _, micro := range t.cut(t.batchOf(order, u)) {
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

func workload(examples []example) core.Workload {
	items := make([]core.Item, len(examples))
	for i, e := range examples {
		items[i] = e.item
	}
	return core.NewWorkload(items)
}

// Estimate is a forecast for a whole run.
type Estimate struct {
	core.Forecast
	MicroBatchTokens int
	Tokens           int // in all epochs, counted as metrics.jsonl counts them
}

// Estimate asks the backend for a forecast of training on every pair, the
// partition being unknown yet.
func (r *Run) Estimate(ctx context.Context) (Estimate, error) {
	f, ok := r.Backend.(core.Forecaster)
	if !ok {
		return Estimate{}, core.ErrUnsupported
	}
	all := core.Step{Pairs: core.AllPairs(r.Sources)}
	l := &loop{Run: r, steps: []core.Step{all}}
	t, err := l.newTraining(1, make([]record.PairScore, len(all.Pairs)), nil)
	if err != nil {
		return Estimate{}, err
	}
	if t.budget, err = l.microBatchTokens(ctx, t); err != nil {
		return Estimate{}, err
	}
	forecast, err := f.Forecast(ctx, r.Base, l.openOptions(""), workload(t.costliest()))
	var tokens int
	for _, e := range t.examples {
		tokens += e.tokens()
	}
	return Estimate{forecast, t.budget, int(float64(tokens) * t.cfg.NumTrainEpochs)}, err
}
