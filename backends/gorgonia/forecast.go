package gorgonia

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/memory"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

var _ core.Forecaster = Backend{}

// processBytes is what the process holds beside the model: the program, the Go
// runtime and the threads' packed panels.
const processBytes = 32 << 20

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
	l, err := newLoad(w)
	if err != nil {
		return core.Forecast{}, err
	}
	f := core.Forecast{PeakBytes: l.bytes(a, own), AvailableBytes: memory.Available()}
	if l.rows == 0 {
		return f, nil
	}
	if own.Arithmetic == bf16 {
		f.PeakFLOPS, err = measure[uint16](ctx, a, own.Threads)
	} else {
		f.PeakFLOPS, err = measure[float32](ctx, a, own.Threads)
	}
	if err != nil {
		return core.Forecast{}, err
	}
	f.TokensPerSecond = float64(l.tokens) * f.PeakFLOPS / l.operations(a, own)
	return f, nil
}

// A load is the size of a micro-batch.
type load struct {
	tokens int // of each prompt with each completion, nothing shared
	rows   int // fed to the model
	scored int // tokens predicted, each by a row of logits
	pairs  int // of a query and a key
	length int // of the longest sequence
}

func newLoad(w core.Workload) (load, error) {
	var l load
	for i, item := range w.MicroBatch {
		if item.Prompt < 1 {
			return l, fmt.Errorf("item %d: a prompt of %d tokens", i, item.Prompt)
		}
		if len(item.Completions) == 0 {
			continue
		}
		l.rows += item.Prompt
		l.pairs += item.Prompt * (item.Prompt + 1) / 2
		for j, c := range item.Completions {
			if c < 1 {
				return l, fmt.Errorf("item %d, completion %d: %d tokens", i, j, c)
			}
			l.tokens += item.Prompt + c
			l.rows += c - 1
			l.scored += c
			l.pairs += (c - 1) * (2*item.Prompt + c) / 2
			l.length = max(l.length, item.Prompt+c-1)
		}
	}
	return l, nil
}

// bytes is the most memory that training needs: weights, gradient and two moments,
// and what network keeps of a micro-batch.
func (l load) bytes(a *checkpoint.Architecture, o options) int64 {
	q, kv := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	block := 4*a.Hidden + q + (q + 2*kv) + 3*a.FFN // two norms, the stream twice, attention, q|k|v, gate|up and their product
	backward := 2*a.Hidden + q + (q + 2*kv)        // gradients that do not take the place of what they end
	kept := a.Layers * block
	if o.Recompute {
		kept = a.Layers*a.Hidden + block
	}
	floats := int64(l.rows) * int64(kept+backward+3*a.Hidden)
	floats += int64(l.rows) * int64(a.Layers*(a.Heads+2)) // sums of attention and norms
	floats += int64(l.length) * int64(4*kv+a.HeadDim)     // paths and rotary table
	if logits := l.scored * a.VocabSize; logits <= keepLogits {
		floats += int64(logits)
	} else {
		floats += int64(max(chunkLogits, a.VocabSize))
	}
	bytes := 4 * (4*int64(a.Size()) + floats)
	if o.Arithmetic == bf16 { // a copy of the weights and of the logits' gradient
		bytes += 2 * (int64(a.Size()) + int64(min(l.scored*a.VocabSize, keepLogits)))
	}
	return bytes + processBytes
}

// operations is the number of floating-point operations of a micro-batch: each
// weight takes 2 a row in each of three products.
func (l load) operations(a *checkpoint.Architecture, o options) float64 {
	body, head := float64(a.Multiplied()), float64(a.VocabSize*a.Hidden)
	passes := 3.0
	if o.Recompute {
		passes = 4
	}
	headPasses := 3.0
	if l.scored*a.VocabSize > keepLogits {
		headPasses = 4
	}
	attention := float64(l.pairs) * float64(a.Heads*a.HeadDim*a.Layers) * 2 // scores and mixture; again and their gradients
	return 2*(passes*body*float64(l.rows)+headPasses*head*float64(l.scored)) + 2*attention*(passes+.5)
}

// measure times the three products of a gate and up projection, whose operands are
// of type E, and returns operations a second.
func measure[E kernels.Element](ctx context.Context, a *checkpoint.Architecture, threads int) (float64, error) {
	p := kernels.NewPool(threads)
	defer p.Close()
	const rows, atLeast = 256, 150 * time.Millisecond
	in, out := a.Hidden, min(2*a.FFN, 1<<24/a.Hidden)
	x, y, w := make([]E, rows*in), make([]E, rows*out), make([]E, in*out)
	result := make([]float32, max(len(x), len(y), len(w)))
	run := func() {
		kernels.GemmNT(p, rows, out, in, x, in, w, in, false, result, out)
		kernels.GemmNN(p, rows, in, out, y, out, w, in, false, result, in)
		kernels.GemmTN(p, out, in, rows, y, out, x, in, false, result, in)
	}
	run() // memory and frequency settle
	begin, times := time.Now(), 0
	for time.Since(begin) < atLeast {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		run()
		times++
	}
	return 6 * rows * float64(in) * float64(out) * float64(times) / time.Since(begin).Seconds(), nil
}
