package training

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// A Saved is a state that was saved; in JSON it is stateFile.
type Saved struct {
	State
	Weights bool `json:"weights"` // are among the tensors

	folder string
}

// Open reads the state that a model is to go on from, nil where that is none.
func Open(o core.OpenOptions) (*Saved, error) {
	if o.State == "" {
		return nil, nil
	}
	if !o.Train {
		return nil, fmt.Errorf("state %q: a model opened for scoring has no optimizer", o.State)
	}
	s := &Saved{folder: filepath.Join(o.State, stateFolder)}
	path := filepath.Join(s.folder, stateFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("optimizer state: %w", err)
	}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("optimizer state %q: %w", path, err)
	}
	if moments[s.Name] == nil && s.Name != "" || s.Steps < 0 {
		return nil, fmt.Errorf("optimizer state %q: optimizer %q after %d steps is not known", s.folder, s.Name, s.Steps)
	}
	return s, nil
}

// Restore hands fill each of the state's tensors, to be read from the file by its
// name.
func (s *Saved) Restore(params []checkpoint.Param, fill func(Tensor, *checkpoint.Weights) error) error {
	tensors := s.tensors(params)
	if len(tensors) == 0 {
		return nil
	}
	from, err := checkpoint.Open(s.folder)
	if err != nil {
		return err
	}
	defer from.Close()
	for _, t := range tensors {
		if err := fill(t, from); err != nil {
			return fmt.Errorf("optimizer state %q: %w", s.folder, err)
		}
		from.Release(t.Name)
	}
	return nil
}

// tensors lists those of the state, parameter by parameter.
func (s *Saved) tensors(params []checkpoint.Param) []Tensor {
	var list []Tensor
	add := func(weight, moment int, prefix string) {
		p := params[weight]
		p.Name = prefix + "." + p.Name
		list = append(list, Tensor{p, weight, moment})
	}
	for i := range params {
		if s.Weights {
			add(i, -1, "weight")
		}
		for k, name := range moments[s.Name] {
			add(i, k, name)
		}
	}
	return list
}
