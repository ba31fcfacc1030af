//go:build libtorch

package libtorch

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// saveDTypes are the names of core.SaveOptions in config.json's words.
var saveDTypes = map[string]string{float32Name: "float32", bf16: "bfloat16", "float16": "float16"}

// Save implements core.Model.
func (m *Model) Save(ctx context.Context, dir string, o core.SaveOptions) error {
	dtype, ok := saveDTypes[o.DType]
	if !ok {
		return fmt.Errorf("save %q: dtype %q is not known (known: float32, bf16, float16)", dir, o.DType)
	}
	if o.State && !m.trainable {
		return fmt.Errorf("save %q: a model opened for scoring has no optimizer state", dir)
	}
	var parts []part
	for _, w := range m.weights {
		parts = append(parts, part{w.param, w.value})
	}
	if err := m.write(ctx, dir, dtype, parts); err != nil {
		return err
	}
	if !o.State {
		return nil
	}
	rounded := o.DType != float32Name && (m.options.MasterWeights || o.DType != bf16)
	return m.saveState(ctx, filepath.Join(dir, stateFolder), rounded)
}

// A part is a tensor of a file.
type part struct {
	param checkpoint.Param
	value torch.Tensor
}

// write streams tensors to safetensors in dir, one at a time through the host.
func (m *Model) write(ctx context.Context, dir, dtype string, parts []part) error {
	params := make([]checkpoint.Param, len(parts))
	for i, p := range parts {
		params[i] = p.param
	}
	w, err := checkpoint.NewWriter(dir, dtype, params, 0)
	if err != nil {
		return err
	}
	defer w.Abort()
	var buffer []float32
	for _, p := range parts {
		n := p.param.Size()
		if cap(buffer) < n {
			buffer = make([]float32, n)
		}
		err := m.do(ctx, func() error { torch.Floats(p.value, buffer[:n]); return nil })
		if err != nil {
			return err
		}
		if err := w.Write(p.param.Name, buffer[:n]); err != nil {
			return err
		}
	}
	return w.Commit()
}
