package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/atomicfile"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// The state is a folder of its own in the model's: the moments, and the weights in
// float32 where the model's were rounded, as safetensors, and stateFile beside
// them, written last.
const (
	stateFolder = "optimizer"
	stateFile   = "optimizer.json"
)

// A Model is what is saved of one.
type Model struct {
	Params []checkpoint.Param
	State  *State // nil of a model that was opened for scoring
	Kept   string // the type that training keeps the weights in: "float32" or "bf16"
	// Values returns a tensor's values, which are read before the next call.
	Values func(Tensor) ([]float32, error)
}

// A Tensor is a parameter's values, or a moment of its gradient.
type Tensor struct {
	checkpoint.Param     // as the file names it
	Weight           int // index of the parameter
	Moment           int // index of the moment; -1 = the values
}

// dtypes are those of core.SaveOptions.
var dtypes = []string{"float32", "bf16", "float16"}

// Save implements core.Model's.
func Save(ctx context.Context, dir string, o core.SaveOptions, m Model) error {
	if !slices.Contains(dtypes, o.DType) {
		return fmt.Errorf("save %q: dtype %q is not known (known: %s)", dir, o.DType, strings.Join(dtypes, ", "))
	}
	if o.State && m.State == nil {
		return fmt.Errorf("save %q: a model opened for scoring has no optimizer state", dir)
	}
	var weights []Tensor
	for i, p := range m.Params {
		weights = append(weights, Tensor{p, i, -1})
	}
	if err := m.write(ctx, dir, o.DType, weights); err != nil || !o.State {
		return err
	}
	rounded := o.DType != "float32" && o.DType != m.Kept
	return m.saveState(ctx, filepath.Join(dir, stateFolder), Saved{State: *m.State, Weights: rounded})
}

func (m Model) write(ctx context.Context, dir, dtype string, tensors []Tensor) error {
	params := make([]checkpoint.Param, len(tensors))
	for i, t := range tensors {
		params[i] = t.Param
	}
	return checkpoint.Write(ctx, dir, dtype, params, func(i int) ([]float32, error) { return m.Values(tensors[i]) })
}

func (m Model) saveState(ctx context.Context, dir string, s Saved) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	path := filepath.Join(dir, stateFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if tensors := s.tensors(m.Params); len(tensors) > 0 {
		if err := m.write(ctx, dir, "float32", tensors); err != nil {
			return err
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
