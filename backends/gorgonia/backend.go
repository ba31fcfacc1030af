package gorgonia

import (
	"context"
	"fmt"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	_ "go4.org/unsafe/assume-no-moving-gc" // without this version of it gorgonia panics at start
)

// A Backend opens models on the processor. With dtype "bf16", the operands of the
// matrix products are bfloat16 and their sums float32, which processors with AMX or
// AVX512_BF16 do several times or about twice as fast; for training the weights,
// gradients and moments stay float32 beside the rounded copy.
type Backend struct{}

var _ core.Backend = Backend{}

// New returns the backend.
func New() core.Backend { return Backend{} }

// options are the backend's own.
type options struct {
	Threads   int  `json:"threads"`   // 0 = one a core
	Recompute bool `json:"recompute"` // activations in the backward pass: a third more work, less memory
	// Arithmetic of the matrix products: that of the dtype, or float32 beside
	// dtype bf16, where only the stored weights are rounded.
	Arithmetic string `json:"arithmetic"`
}

func decode(o core.OpenOptions) (options, error) {
	var own options
	if err := o.Options.Decode(&own); err != nil {
		return own, err
	}
	var err error
	if own.Threads, err = settings.Threads(own.Threads); err != nil {
		return own, err
	}
	if err := settings.CheckDType(o.DType); err != nil {
		return own, err
	}
	switch {
	case own.Arithmetic == "":
		own.Arithmetic = o.DType
	case own.Arithmetic != settings.Float32 && own.Arithmetic != settings.BF16:
		return own, fmt.Errorf("option %q: %q is not known (known: %s, %s)", "arithmetic", own.Arithmetic, settings.Float32, settings.BF16)
	case own.Arithmetic == settings.BF16 && o.DType != settings.BF16:
		return own, fmt.Errorf("option %q: %s needs dtype = %q", "arithmetic", settings.BF16, settings.BF16)
	case own.Arithmetic == settings.Float32 && o.DType == settings.BF16 && o.Train:
		return own, fmt.Errorf("option %q: weights stored as %s are for scoring; train with dtype %s, or with arithmetic %s, which keeps float32 weights", "arithmetic", settings.BF16, settings.Float32, settings.BF16)
	}
	return own, nil
}

// Check implements core.Backend.
func (Backend) Check(_ context.Context, o core.OpenOptions) error {
	_, err := decode(o)
	return err
}

// Open implements core.Backend.
func (Backend) Open(ctx context.Context, path string, o core.OpenOptions) (core.Model, error) {
	own, err := decode(o)
	if err != nil {
		return nil, err
	}
	arch, err := checkpoint.ReadArchitecture(path)
	if err != nil {
		return nil, err
	}
	m := &Model{
		arch: arch, options: own, weights: newWeights(arch), pool: kernels.NewPool(own.Threads),
		rows: scoringRows, trainable: o.Train,
	}
	if err := m.load(ctx, path, o); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// load reads the weights and what training goes on from.
func (m *Model) load(ctx context.Context, path string, o core.OpenOptions) error {
	state, err := training.Open(o)
	if err != nil {
		return err
	}
	from, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	all := m.weights.all()
	for i, w := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.load(from, m.pool, o.DType == settings.BF16, o.Train); err != nil {
			return fmt.Errorf("model %q: %w", path, err)
		}
		core.ReporterFrom(ctx).Progress("load", i+1, len(all))
	}
	if state != nil {
		return m.resume(state)
	}
	return nil
}
