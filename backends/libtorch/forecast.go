//go:build libtorch

package libtorch

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

var _ core.Forecaster = Backend{}

// processBytes is what the process holds on the processor beside the model: the
// program, libtorch and the Go runtime.
const processBytes = 200 << 20

// Forecast implements core.Forecaster for training with AdamW. The rate is that of
// the micro-batches, without the updates.
func (Backend) Forecast(ctx context.Context, path string, o core.OpenOptions, w core.Workload) (f core.Forecast, err error) {
	own, err := decode(o)
	if err != nil {
		return f, err
	}
	device, err := own.device()
	if err != nil {
		return f, err
	}
	m := &Model{options: own, device: device, dtype: dtype(o.DType), trainable: true}
	if m.arch, err = checkpoint.ReadArchitecture(path); err != nil {
		return f, err
	}
	l, err := newLoad(w)
	if err != nil {
		return f, err
	}
	if m.room, err = available(device, own); err != nil {
		return f, err
	}
	recompute := m.recomputes(l)
	f.AvailableBytes, f.PeakBytes, f.Recompute = m.room, l.bytes(m, recompute), recompute && own.Checkpointing == auto
	if l.rows == 0 {
		return f, nil
	}
	f.PeakFLOPS, err = m.measure(ctx)
	f.TokensPerSecond = float64(l.tokens) * f.PeakFLOPS / l.operations(m, recompute)
	return f, err
}

// recomputes says whether a micro-batch's activations are made anew in the backward
// pass: where that is asked for, or left to the forecast and a fifth of the memory
// would not stay free.
func (m *Model) recomputes(l load) bool {
	switch m.options.Checkpointing {
	case always:
		return true
	case auto:
		return m.room > 0 && l.bytes(m, false) > m.room/5*4
	}
	return false
}

// A load is the size of a micro-batch.
type load struct {
	tokens int // of each prompt with each completion, nothing shared
	rows   int // fed to the model
	scored int // of them, those that the head sees
	pairs  int // of a query and a key
	keys   int // rows of keys and values that pieces attend to, each piece's own copy
	pieces int // prompts and completions
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
		l.keys += item.Prompt
		l.pieces++
		l.scored++
		l.pairs += item.Prompt * item.Prompt / 2
		for j, c := range item.Completions {
			if c < 1 {
				return l, fmt.Errorf("item %d, completion %d: %d tokens", i, j, c)
			}
			l.tokens += item.Prompt + c
			l.rows += c - 1
			l.scored += c - 1
			l.pairs += (c - 1) * (item.Prompt + c)
			l.keys += item.Prompt + c - 1
			l.pieces++
		}
	}
	return l, nil
}

// bytes is the most memory that training needs: weights, gradient and two moments,
// and what autograd keeps of a micro-batch.
func (l load) bytes(m *Model, recompute bool) int64 {
	a, size := m.arch, int64(m.dtype.Size())
	q, kv := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	// By row: the stream and the norms' results, which libtorch's own norm keeps twice;
	// queries and attention's result; keys and values; gate, silu, up and product. By
	// key: its copies for the pieces that see it.
	norms, row, key, scratch := 6, 3*q+2*kv, 2*kv, 0
	switch {
	case m.device != torch.CPU && m.dtype == torch.BFloat16: // flash attention, whose backward pass sums queries' gradients in float32
		norms, row, scratch = 4, 2*q, 4*(l.rows+128*l.pieces)*q
	case m.device != torch.CPU: // a kernel that wants as many heads of keys as of queries
		norms, row, key = 4, 2*q, 2*q
	case m.dtype == torch.Float32:
		norms = 4
	}
	block := int64(l.rows)*int64(norms*a.Hidden+row+4*a.FFN) + int64(l.keys)*int64(key)
	kept := int64(a.Layers) * block
	if recompute {
		kept = int64(a.Layers+1)*int64(l.rows)*int64(a.Hidden) + block
	}
	backward := int64(l.rows) * int64(3*a.FFN+2*a.Hidden)
	bytes := size*(kept+backward) + int64(scratch)
	bytes += 4 * int64(m.kept().Size()) * int64(a.Size()) // weights, gradient, two moments
	if m.kept() != m.dtype {
		bytes += 2 * size * int64(a.Size()) // the copy that operations read, and its gradient
	}
	logits := int64(l.scored) * int64(a.VocabSize)
	if logits > keepLogits {
		logits = max(chunkLogits, int64(a.VocabSize))
	}
	bytes += (4 + 4) * logits // with what an operation makes of them for a moment
	if m.device == torch.CPU {
		bytes += processBytes
	}
	return bytes
}

// operations is the number of floating-point operations of a micro-batch: each
// weight takes 2 a row in each of three products.
func (l load) operations(m *Model, recompute bool) float64 {
	a, body := m.arch, float64(m.arch.Multiplied())
	passes, headPasses := 3.0, 3.0
	if recompute {
		passes++
	}
	if l.scored*a.VocabSize > keepLogits {
		headPasses++
	}
	head := float64(a.VocabSize*a.Hidden) * float64(l.scored)
	attention := float64(l.pairs) * float64(a.Heads*a.HeadDim*a.Layers) * 2 // scores and mixture; again and their gradients
	return 2*(passes*body*float64(l.rows)+headPasses*head) + 2*attention*(passes+.5)
}

// measure times the three products of a gate and up projection on the device and
// returns operations a second.
func (m *Model) measure(ctx context.Context) (rate float64, err error) {
	const atLeast = 150 * time.Millisecond
	rows, in, out := int64(256), int64(m.arch.Hidden), min(2*int64(m.arch.FFN), 1<<24/int64(m.arch.Hidden))
	if m.device != torch.CPU { // which smaller products do not fill
		rows, out = scoringRowsCUDA, 2*int64(m.arch.FFN)
	}
	err = m.do(ctx, func() error {
		var s torch.Scope
		defer s.Free()
		x, w := s.Normal(m.device, m.dtype, rows, in), s.Normal(m.device, m.dtype, out, in)
		run := func(times int) {
			for range times {
				gradient := s.Within(func(s *torch.Scope) torch.Tensor {
					y := s.Linear(x, w, torch.Tensor{})
					s.MatMul(y, w)
					return s.MatMul(s.Transpose(y, 0, 1), x)
				})
				s.Keep(gradient).Free()
			}
			torch.Synchronize(m.device)
		}
		run(1) // memory and frequency settle
		begin, times := time.Now(), 0
		for n := 1; time.Since(begin) < atLeast; n *= 2 {
			torch.Must(ctx.Err())
			run(n)
			times += n
		}
		rate = 6 * float64(rows) * float64(in) * float64(out) * float64(times) / time.Since(begin).Seconds()
		return nil
	})
	return rate, err
}
