package gorgonia

import (
	"context"
	"fmt"
	"runtime"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	_ "go4.org/unsafe/assume-no-moving-gc" // without this version of it gorgonia panics at start
)

// A Backend opens models on the processor. With dtype "bf16", the operands of the
// matrix products are bfloat16 and their sums float32, which processors with
// AVX512_BF16 do about twice as fast; for training the weights, gradients and
// moments stay float32 beside the rounded copy.
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
	if own.Threads < 0 {
		return own, fmt.Errorf("option %q: %d is less than 0", "threads", own.Threads)
	}
	if own.Threads == 0 {
		own.Threads = runtime.GOMAXPROCS(0)
	}
	if o.DType != float32Name && o.DType != bf16 {
		return own, fmt.Errorf("dtype %q is not known (known: %s, %s)", o.DType, float32Name, bf16)
	}
	switch {
	case own.Arithmetic == "":
		own.Arithmetic = o.DType
	case own.Arithmetic != float32Name && own.Arithmetic != bf16:
		return own, fmt.Errorf("option %q: %q is not known (known: %s, %s)", "arithmetic", own.Arithmetic, float32Name, bf16)
	case own.Arithmetic == bf16 && o.DType != bf16:
		return own, fmt.Errorf("option %q: %s needs dtype = %q", "arithmetic", bf16, bf16)
	case own.Arithmetic == float32Name && o.DType == bf16 && o.Train:
		return own, fmt.Errorf("option %q: weights stored as %s are for scoring; train with dtype %s, or with arithmetic %s, which keeps float32 weights", "arithmetic", bf16, float32Name, bf16)
	}
	return own, nil
}

// The names of dtypes and arithmetics.
const (
	float32Name = "float32"
	bf16        = "bf16"
)

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

// load reads the weights and makes what training needs.
func (m *Model) load(ctx context.Context, path string, o core.OpenOptions) error {
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
		if err := w.load(from, m.pool, o.DType == bf16, o.Train); err != nil {
			return fmt.Errorf("model %q: %w", path, err)
		}
		core.ReporterFrom(ctx).Progress("load", i+1, len(all))
	}
	if o.State != "" {
		return m.loadState(o.State)
	}
	return nil
}
