//go:build libtorch

package libtorch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// The optimizer's state is a folder of its own in the model's: the moments, and
// the weights in float32 where the model's were rounded, as safetensors, and the
// step count beside them, written last. The gorgonia backend writes the same.
const (
	stateFolder = "optimizer"
	stateFile   = "optimizer.json"
)

const weightPrefix = "weight."

// A state is the content of stateFile.
type state struct {
	optimizer
	Weights bool `json:"weights"` // are among the tensors
}

// saveState writes the moments, and the weights where exact is asked for.
func (m *Model) saveState(ctx context.Context, dir string, exact bool) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, stateFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if parts := m.stateParts(exact); len(parts) > 0 {
		if err := m.write(ctx, dir, "float32", parts); err != nil {
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

// stateParts lists the tensors of the state.
func (m *Model) stateParts(exact bool) []part {
	var parts []part
	add := func(prefix string, p checkpoint.Param, value torch.Tensor) {
		p.Name = prefix + p.Name
		parts = append(parts, part{p, value})
	}
	for _, w := range m.weights {
		if exact {
			add(weightPrefix, w.param, w.value)
		}
		for i, prefix := range momentNames[m.optimizer.Name] {
			add(prefix, w.param, w.moments[i])
		}
	}
	return parts
}

// loadState reads what saveState wrote into the folder of a saved model.
func (m *Model) loadState(ctx context.Context, dir string) error {
	dir = filepath.Join(dir, stateFolder)
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return fmt.Errorf("optimizer state: %w", err)
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("optimizer state %q: %w", filepath.Join(dir, stateFile), err)
	}
	if momentNames[s.Name] == nil && s.Name != "" || s.Steps < 0 {
		return fmt.Errorf("optimizer state %q: optimizer %q after %d steps is not known", dir, s.Name, s.Steps)
	}
	m.optimizer = s.optimizer
	if s.Name == "" && !s.Weights {
		return nil
	}
	from, err := checkpoint.Open(dir)
	if err != nil {
		return err
	}
	defer from.Close()
	err = m.do(ctx, func() error {
		m.remember(s.Name)
		for _, p := range m.stateParts(s.Weights) {
			if err := m.fill(from, p); err != nil {
				return err
			}
		}
		for _, w := range m.weights {
			w.round()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("optimizer state %q: %w", dir, err)
	}
	return nil
}

// fill reads a tensor of the state.
func (m *Model) fill(from *checkpoint.Weights, p part) error {
	values := make([]float32, p.param.Size())
	if err := from.Float32(p.param.Name, values); err != nil {
		return err
	}
	var s torch.Scope
	defer s.Free()
	torch.Copy(p.value, s.FromFloats(m.device, torch.Float32, values, p.param.Shape...))
	return nil
}
