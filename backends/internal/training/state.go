// Package training is what the backends agree on about training: what an optimizer
// remembers, and how a model is saved so that training goes on from it in any of
// them.
package training

import (
	"errors"
	"fmt"

	"github.com/stepwise-dpo/stepwise/core"
)

// ErrScoring is the error of training a model that was opened without Train.
var ErrScoring = errors.New("the model was opened for scoring only (open it with Train)")

// A State is what an optimizer remembers beside each weight's moments.
type State struct {
	Name  string `json:"name"` // that the moments belong to; empty before the first step
	Steps int    `json:"steps"`
}

// moments are the names, by optimizer, of the moments of the gradient that torch's
// keep of each weight.
var moments = map[string][]string{"adamw": {"exp_avg", "exp_avg_sq"}, "rmsprop": {"square_avg"}}

// Moments returns how many moments of the gradient are kept of each weight.
func (s State) Moments() int { return len(moments[s.Name]) }

// Next returns the state after an update, which it checks.
func (s State) Next(u core.Update) (State, error) {
	if err := u.Check(); err != nil {
		return s, err
	}
	if s.Name != "" && s.Name != u.Optimizer.Name {
		return s, fmt.Errorf("the optimizer was %q so far and cannot become %q", s.Name, u.Optimizer.Name)
	}
	return State{Name: u.Optimizer.Name, Steps: s.Steps + 1}, nil
}
