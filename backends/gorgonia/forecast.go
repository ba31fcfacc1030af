package gorgonia

import (
	"context"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/forecast"
	"github.com/stepwise-dpo/stepwise/backends/internal/logits"
	"github.com/stepwise-dpo/stepwise/backends/internal/memory"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

var _ core.Forecaster = Backend{}

// What the process holds beside the model: the program, the Go runtime and an operand
// that stays packed; and the packed panels of each thread.
const (
	processBytes = 24 << 20
	threadBytes  = 4 << 20
)

// Forecast implements core.Forecaster for training with AdamW. The rate is that of
// the micro-batches, without the updates.
func (Backend) Forecast(ctx context.Context, path string, o core.OpenOptions, w core.Workload) (core.Forecast, error) {
	own, err := decode(o)
	if err != nil {
		return core.Forecast{}, err
	}
	a, err := checkpoint.ReadArchitecture(path)
	if err != nil {
		return core.Forecast{}, err
	}
	l, err := forecast.NewLoad(w)
	if err != nil {
		return core.Forecast{}, err
	}
	f := core.Forecast{PeakBytes: peakBytes(l, a, own), AvailableBytes: memory.Available()}
	if l.Rows == 0 {
		return f, nil
	}
	if own.Arithmetic == settings.BF16 {
		f.PeakFLOPS, err = measure[uint16](ctx, a, own.Threads)
	} else {
		f.PeakFLOPS, err = measure[float32](ctx, a, own.Threads)
	}
	if err != nil {
		return core.Forecast{}, err
	}
	again := logits.Training.Rows(l.Targets, a.VocabSize) < l.Targets
	f.TokensPerSecond = float64(l.Tokens) * f.PeakFLOPS / l.Operations(a, l.Targets, own.Recompute, again)
	return f, nil
}

// peakBytes is the most memory that training needs: weights, gradient and two moments,
// and what network keeps of a micro-batch.
func peakBytes(l forecast.Load, a *checkpoint.Architecture, o options) int64 {
	q, kv := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	block := 4*a.Hidden + q + (q + 2*kv) + 3*a.FFN // two norms, the stream twice, attention, q|k|v, gate|up and their product
	backward := 2*a.Hidden + q + (q + 2*kv)        // gradients that do not take the place of what they end
	kept := a.Layers * block
	if o.Recompute {
		kept = a.Layers*a.Hidden + block
	}
	floats := int64(l.Rows) * int64(kept+backward+3*a.Hidden)
	floats += int64(l.Rows) * int64(a.Layers*(a.Heads+2)) // sums of attention and norms
	floats += int64(l.Length) * int64(4*kv+a.HeadDim)     // paths and rotary table
	floats += int64(logits.Training.Rows(l.Targets, a.VocabSize)) * int64(a.VocabSize)
	bytes := 4 * (4*int64(a.Size()) + floats)
	if o.Arithmetic == settings.BF16 { // a copy of the weights and of the logits' gradient
		bytes += 2 * (int64(a.Size()) + int64(min(l.Targets*a.VocabSize, logits.Training.Keep)))
	}
	return bytes + processBytes + threadBytes*int64(o.Threads)
}

// measure times the three products of a gate and up projection, whose operands are
// of type E, and returns operations a second.
func measure[E kernels.Element](ctx context.Context, a *checkpoint.Architecture, threads int) (float64, error) {
	p := kernels.NewPool(threads)
	defer p.Close()
	const rows = 256
	in, out := a.Hidden, min(2*a.FFN, 1<<24/a.Hidden)
	x, y, w := make([]E, rows*in), make([]E, rows*out), make([]E, in*out)
	result := make([]float32, max(len(x), len(y), len(w)))
	return forecast.Rate(ctx, 6*rows*float64(in)*float64(out), func(times int) {
		for range times {
			kernels.GemmNT(p, rows, out, in, x, in, w, in, false, result, out)
			kernels.GemmNN(p, rows, in, out, y, out, w, in, false, result, in)
			kernels.GemmTN(p, out, in, rows, y, out, x, in, false, result, in)
		}
	})
}
