package gorgonia

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// The optimizer's state is a folder of its own in the model's: the moments, and
// the weights in float32 where the model's were rounded, as safetensors, and the
// step count beside them, written last.
const (
	stateFolder = "optimizer"
	stateFile   = "optimizer.json"
)

// momentNames are those of torch's state, by optimizer.
var momentNames = map[string][]string{"adamw": {"exp_avg.", "exp_avg_sq."}, "rmsprop": {"square_avg."}}

const weightPrefix = "weight."

// saveDTypes are the names of core.SaveOptions in config.json's words.
var saveDTypes = map[string]string{"float32": "float32", "bf16": "bfloat16", "float16": "float16"}

// Save implements core.Model.
func (m *Model) Save(ctx context.Context, dir string, o core.SaveOptions) error {
	dtype, ok := saveDTypes[o.DType]
	if !ok {
		return fmt.Errorf("save %q: dtype %q is not known (known: float32, bf16, float16)", dir, o.DType)
	}
	if o.State && !m.trainable {
		return fmt.Errorf("save %q: a model opened for scoring has no optimizer state", dir)
	}
	if err := m.saveWeights(ctx, dir, dtype); err != nil {
		return err
	}
	if !o.State {
		return nil
	}
	return m.saveState(ctx, filepath.Join(dir, stateFolder), o.DType != "float32")
}

func (m *Model) saveWeights(ctx context.Context, dir, dtype string) error {
	w, err := checkpoint.NewWriter(dir, dtype, m.arch.Params(), 0)
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, x := range m.weights.all() {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := x.each(x.float32s(m), func(p checkpoint.Param, values []float32) error { return w.Write(p.Name, values) })
		if err != nil {
			return err
		}
	}
	return w.Commit()
}

// saveState writes the moments, and the weights where exact is asked for.
func (m *Model) saveState(ctx context.Context, dir string, exact bool) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, stateFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parts := m.stateParts(exact)
	if len(parts) > 0 {
		if err := writeParts(ctx, dir, parts); err != nil {
			return err
		}
	}
	text, err := json.Marshal(state{m.optimizer, exact})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, stateFile)
	if err := os.WriteFile(path+".partial", text, 0o666); err != nil {
		return err
	}
	return os.Rename(path+".partial", path)
}

// A state is the content of stateFile.
type state struct {
	optimizer
	Weights bool `json:"weights"` // are among the tensors
}

// A statePart is a tensor of the state.
type statePart struct {
	param  checkpoint.Param
	values []float32
}

// stateParts lists the tensors of the state.
func (m *Model) stateParts(exact bool) []statePart {
	var parts []statePart
	add := func(w *weight, prefix string, x []float32) {
		_ = w.each(x, func(p checkpoint.Param, values []float32) error {
			p.Name = prefix + p.Name
			parts = append(parts, statePart{p, values})
			return nil
		})
	}
	for _, w := range m.weights.all() {
		if exact {
			add(w, weightPrefix, w.values)
		}
		for i, prefix := range momentNames[m.optimizer.Name] {
			add(w, prefix, w.moments[i])
		}
	}
	return parts
}

func writeParts(ctx context.Context, dir string, parts []statePart) error {
	params := make([]checkpoint.Param, len(parts))
	for i, p := range parts {
		params[i] = p.param
	}
	w, err := checkpoint.NewWriter(dir, "float32", params, 0)
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.Write(p.param.Name, p.values); err != nil {
			return err
		}
	}
	return w.Commit()
}

// loadState reads what saveState wrote into the folder of a saved model.
func (m *Model) loadState(dir string) error {
	if !m.trainable {
		return fmt.Errorf("state %q: a model opened for scoring has no optimizer", dir)
	}
	dir = filepath.Join(dir, stateFolder)
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return fmt.Errorf("optimizer state: %w", err)
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("optimizer state %q: %w", filepath.Join(dir, stateFile), err)
	}
	count, known := momentCount[s.Name]
	if !known && s.Name != "" || s.Steps < 0 {
		return fmt.Errorf("optimizer state %q: optimizer %q after %d steps is not known", dir, s.Name, s.Steps)
	}
	m.optimizer = s.optimizer
	for _, w := range m.weights.all() {
		w.remember(count)
	}
	parts := m.stateParts(s.Weights)
	if len(parts) == 0 {
		return nil
	}
	from, err := checkpoint.Open(dir)
	if err != nil {
		return err
	}
	defer from.Close()
	for _, p := range parts {
		if err := from.Float32(p.param.Name, p.values); err != nil {
			return fmt.Errorf("optimizer state %q: %w", dir, err)
		}
	}
	for _, w := range m.weights.all() {
		w.round(m.pool)
	}
	return nil
}
