// Package bench times a backend's DPO step and scoring pass on random weights, and
// PyTorch's beside it: what `stepwise bench` prints.
package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/plugins"
)

// Settings say what is timed.
type Settings struct {
	Shape   string // of the model, one of Shapes
	Pairs   int    // an update, in one micro-batch
	Tokens  int    // of a prompt and one completion, at least 4
	Rounds  int    // timed passes and updates
	PyTorch string // a Python interpreter with torch and transformers; empty = none
	Backend config.Backend
}

// OpenOptions returns what a backend is asked for.
func (s Settings) OpenOptions() core.OpenOptions {
	return core.OpenOptions{DType: s.Backend.DType, Train: true, Options: s.Backend.Options}
}

// Shapes returns the names of the models' shapes.
func Shapes() []string { return slices.Sorted(maps.Keys(shapes)) }

// Run measures on a backend that was checked, and closes it. The weights are in a
// temporary folder while it runs. What kept PyTorch from its numbers is an error
// beside the report, for ours stand all the same.
func Run(ctx context.Context, s Settings, backend *plugins.Backend) (r *Report, err error) {
	ours, err := newTrainee(backend, s.OpenOptions())
	if err != nil {
		return nil, errors.Join(err, backend.Close())
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	dir, err := os.MkdirTemp("", "stepwise-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	arch, err := writeRandomModel(ctx, dir, shapes[s.Shape], s.Backend.DType)
	if err != nil {
		return nil, fmt.Errorf("shape %q: %w", s.Shape, err)
	}
	ours.dir, ours.items = dir, randomItems(s.Pairs, s.Tokens, arch.VocabSize)
	us := &side{name: "stepwise", rows: sharedRows(ours.items), prepare: ours.prepare, time: ours.time, close: ours.close}
	var theirs *torch
	var them *side
	if s.PyTorch != "" {
		theirs = newTorch(s.PyTorch, dir, s.Backend, ours.items)
		them = &side{name: "PyTorch", rows: plainRows(ours.items), prepare: theirs.prepare, time: theirs.time, close: theirs.close}
	}
	apart := race(ctx, s.Rounds, us, them)
	if us.err != nil {
		return nil, us.err
	}
	r = newReport(s, ours, arch)
	r.add(us)
	if them == nil {
		return r, nil
	}
	if them.err == nil {
		r.add(them)
		r.compare(us, them)
		r.PyTorch = theirs.report(apart, ours.reference)
	}
	return r, them.err
}
