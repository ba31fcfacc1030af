//go:build libtorch

package libtorch

import (
	"context"

	"github.com/stepwise-dpo/stepwise/backends/internal/forecast"
	"github.com/stepwise-dpo/stepwise/backends/internal/logits"
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
	l, err := forecast.NewLoad(w)
	if err != nil {
		return f, err
	}
	if m.room, err = available(device, own); err != nil {
		return f, err
	}
	recompute := m.recomputes(l)
	f.AvailableBytes, f.PeakBytes, f.Recompute = m.room, m.peakBytes(l, recompute), recompute && own.Checkpointing == auto
	if l.Rows == 0 {
		return f, nil
	}
	f.PeakFLOPS, err = m.measure(ctx)
	again := logits.Training.Rows(l.Scored, m.arch.VocabSize) < l.Scored
	f.TokensPerSecond = float64(l.Tokens) * f.PeakFLOPS / l.Operations(m.arch, l.Scored, recompute, again)
	return f, err
}

// recomputes says whether a micro-batch's activations are made anew in the backward
// pass: where that is asked for, or left to the forecast and a fifth of the memory
// would not stay free.
func (m *Model) recomputes(l forecast.Load) bool {
	switch m.options.Checkpointing {
	case always:
		return true
	case auto:
		return m.room > 0 && m.peakBytes(l, false) > m.room/5*4
	}
	return false
}

// peakBytes is the most memory that training needs: weights, gradient and two moments,
// and what autograd keeps of a micro-batch.
func (m *Model) peakBytes(l forecast.Load, recompute bool) int64 {
	a, size := m.arch, int64(m.dtype.Size())
	q, kv := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	// By row: the stream and the norms' results, which libtorch's own norm keeps twice;
	// queries and attention's result; keys and values; gate, silu, up and product. By
	// key: its copies for the pieces that see it.
	norms, row, key, scratch := 6, 3*q+2*kv, 2*kv, 0
	switch {
	case m.device != torch.CPU && m.dtype == torch.BFloat16: // flash attention, whose backward pass sums queries' gradients in float32
		norms, row, scratch = 4, 2*q, 4*(l.Rows+128*l.Pieces)*q
	case m.device != torch.CPU: // a kernel that wants as many heads of keys as of queries
		norms, row, key = 4, 2*q, 2*q
	case m.dtype == torch.Float32:
		norms = 4
	}
	block := int64(l.Rows)*int64(norms*a.Hidden+row+4*a.FFN) + int64(l.Keys)*int64(key)
	kept := int64(a.Layers) * block
	if recompute {
		kept = int64(a.Layers+1)*int64(l.Rows)*int64(a.Hidden) + block
	}
	backward := int64(l.Rows) * int64(3*a.FFN+2*a.Hidden)
	bytes := size*(kept+backward) + int64(scratch)
	bytes += 4 * int64(m.kept().Size()) * int64(a.Size()) // weights, gradient, two moments
	if m.kept() != m.dtype {
		bytes += 2 * size * int64(a.Size()) // the copy that operations read, and its gradient
	}
	atOnce := int64(logits.Training.Rows(l.Scored, a.VocabSize)) * int64(a.VocabSize)
	bytes += (4 + 4) * atOnce // with what an operation makes of them for a moment
	if m.device == torch.CPU {
		bytes += processBytes
	}
	return bytes
}

// measure times the three products of a gate and up projection on the device and
// returns operations a second.
func (m *Model) measure(ctx context.Context) (rate float64, err error) {
	rows, in, out := int64(256), int64(m.arch.Hidden), min(2*int64(m.arch.FFN), 1<<24/int64(m.arch.Hidden))
	if m.device != torch.CPU { // which smaller products do not fill
		rows, out = scoringRowsCUDA, 2*int64(m.arch.FFN)
	}
	err = m.do(ctx, func() (err error) {
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
		rate, err = forecast.Rate(ctx, 6*float64(rows)*float64(in)*float64(out), run)
		return err
	})
	return rate, err
}
