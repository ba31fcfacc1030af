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
	f.AvailableBytes, f.Recompute = m.room, m.recomputes(l)
	f.PeakBytes = l.bytes(m, f.Recompute)
	if l.rows == 0 {
		return f, nil
	}
	f.PeakFLOPS, err = m.measure(ctx)
	f.TokensPerSecond = float64(l.tokens) * f.PeakFLOPS / l.operations(m, f.Recompute)
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
}

// loadOf returns the load of items that were checked.
func loadOf(items []core.Item) load {
	shapes := make([]core.ItemShape, len(items))
	for i, item := range items {
		shapes[i].Prompt = len(item.Prompt)
		for _, c := range item.Completions {
			shapes[i].Completions = append(shapes[i].Completions, len(c))
		}
	}
	l, _ := newLoad(core.Workload{MicroBatch: shapes})
	return l
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
	// queries and attention's result twice; keys and values; gate, silu, up and product.
	norms := 6
	if m.device == torch.CPU && m.dtype == torch.Float32 {
		norms = 4
	}
	block := int64(l.rows)*int64(norms*a.Hidden+3*q+2*kv+4*a.FFN) + 2*int64(l.keys)*int64(kv)
	kept := int64(a.Layers) * block
	if recompute {
		kept = int64(a.Layers+1)*int64(l.rows)*int64(a.Hidden) + block
	}
	backward := int64(l.rows) * int64(3*a.FFN+2*a.Hidden)
	bytes := size * (kept + backward)
	switch {
	case !m.options.MasterWeights:
		bytes += 8 * int64(a.Size())
	case m.dtype != torch.Float32:
		bytes += (16 + 4) * int64(a.Size()) // also the copy that operations read, and its gradient
	default:
		bytes += 16 * int64(a.Size())
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
	a, body := m.arch, 0.0
	for i := range a.Blocks {
		for _, p := range a.Blocks[i].Params() {
			if p.Role == checkpoint.RoleMatrix {
				body += float64(p.Size())
			}
		}
	}
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
	const rows, atLeast = 256, 150 * time.Millisecond
	in, out := int64(m.arch.Hidden), min(2*int64(m.arch.FFN), 1<<24/int64(m.arch.Hidden))
	err = m.do(ctx, func() error {
		var s torch.Scope
		defer s.Free()
		x, w := s.Zeros(m.device, m.dtype, rows, in), s.Zeros(m.device, m.dtype, out, in)
		last := make([]float32, out*in)
		run := func(times int) {
			for range times {
				gradient := s.Within(func(s *torch.Scope) torch.Tensor {
					y := s.Linear(x, w, torch.Tensor{})
					s.MatMul(y, w)
					return s.MatMul(s.Transpose(y, 0, 1), x)
				})
				s.Keep(gradient).Free()
			}
			torch.Floats(w, last) // waits for the device
		}
		run(1) // memory and frequency settle
		begin, times := time.Now(), 0
		for n := 1; time.Since(begin) < atLeast; n *= 2 {
			torch.Must(ctx.Err())
			run(n)
			times += n
		}
		rate = 6 * rows * float64(in) * float64(out) * float64(times) / time.Since(begin).Seconds()
		return nil
	})
	return rate, err
}
