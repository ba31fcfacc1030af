//go:build libtorch

package libtorch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// A Backend opens models on the processor or a GPU. With dtype "bf16" all but the
// loss is computed in bfloat16; for training the weights, the gradient and the
// moments stay float32 beside the rounded copy, unless master_weights is off. TF32
// is off.
type Backend struct{}

var _ core.Backend = Backend{}

// New returns the backend.
func New() core.Backend { return Backend{} }

// Check implements core.Backend. It loads CUDA where the options ask for a GPU.
func (Backend) Check(_ context.Context, o core.OpenOptions) error {
	own, err := decode(o)
	if err != nil {
		return err
	}
	_, err = own.device()
	return err
}

// Open implements core.Backend.
func (Backend) Open(ctx context.Context, path string, o core.OpenOptions) (core.Model, error) {
	own, err := decode(o)
	if err != nil {
		return nil, err
	}
	device, err := own.device()
	if err != nil {
		return nil, err
	}
	arch, err := checkpoint.ReadArchitecture(path)
	if err != nil {
		return nil, err
	}
	own.Deterministic = own.Deterministic || device == torch.CPU // it costs nothing there
	m := &Model{arch: arch, options: own, device: device, dtype: dtype(o.DType), trainable: o.Train}
	if m.room, err = available(device, own); err != nil {
		return nil, err
	}
	if err := m.load(ctx, path, o); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// load reads the weights and, where asked for, the optimizer's state.
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
	params := m.arch.Params()
	m.weights = make([]*weight, 0, len(params))
	for i, p := range params {
		err := m.do(ctx, func() error {
			w, err := m.loadWeight(from, p)
			if err == nil {
				m.weights = append(m.weights, w)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("model %q: %w", path, err)
		}
		core.ReporterFrom(ctx).Progress("load", i+1, len(params))
	}
	err = m.do(ctx, func() error {
		torch.ReleaseCache(m.device) // of the copies' pinned memory
		m.network = newNetwork(m)
		return nil
	})
	if err != nil {
		return err
	}
	if state != nil {
		return m.resume(ctx, state)
	}
	return nil
}

// do runs f on libtorch's thread with the model's settings, unless ctx has ended.
func (m *Model) do(ctx context.Context, f func() error) error {
	err := torch.Do(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		torch.Configure(m.options.Threads, m.options.Deterministic)
		return f()
	})
	if errors.Is(err, torch.ErrOutOfMemory) {
		return fmt.Errorf("%w; %s", err, m.smaller())
	}
	return err
}

// smaller names the settings that need less memory.
func (m *Model) smaller() string {
	var settings []string
	if m.trainable {
		settings = append(settings, "a smaller train.micro_batch_tokens")
		if m.options.Checkpointing != always {
			settings = append(settings, "checkpointing = true in backend.options")
		}
		if m.dtype == torch.BFloat16 && m.options.MasterWeights {
			settings = append(settings, "master_weights = false in backend.options")
		}
	}
	if m.dtype == torch.Float32 && !m.trainable {
		settings = append(settings, `backend.dtype = "bf16"`)
	}
	if m.options.MemoryFraction < 1 {
		settings = append(settings, "a larger memory_fraction in backend.options")
	}
	if len(settings) == 0 {
		return "the model needs a device with more memory"
	}
	return "set " + strings.Join(settings, " or ")
}
