// Package stepwise is the loop of stepwise DPO:
//
//	M_0 = S
//	D_1..D_T = partition(D, M_0)
//	for t = 1..T:
//	    reference = M_{t-1}; its log-probabilities of D_t, once
//	    M_t = DPO(start M_{t-1}, reference, D_t)
//	    measure M_t
//
// Another reference or another start is a setting of the same loop. At most one
// model is resident at a time.
package stepwise

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

// ErrInterrupted is returned by a run that was asked to stop and has saved its
// state.
var ErrInterrupted = errors.New("interrupted; the state is saved, go on with --resume")

// Run is everything that a run needs.
type Run struct {
	Config      *config.Config
	Folder      *record.Folder
	Base        string // folder of the SFT base S
	Reference   string // folder of the external reference; empty where there is none
	Backend     core.Backend
	Partitioner core.Partitioner
	Evaluators  []core.Evaluator // as Config.Evals
	Sources     []core.Source
	Heldout     []core.Source
	// ReferenceSources are Sources in the external reference's own tokens;
	// nil where the tokens are the same.
	ReferenceSources []core.Source
	// Codec encodes for partitioners and evaluators; nil for a run of token ids
	// alone.
	Codec *scorer.Codec
	// Describe tells what the model in dir is; name is S, M1, ...
	Describe func(dir, name string) (core.ModelInfo, error)
	// CarryOver copies what else a model's folder holds, as
	// checkpoint.CarryOver does.
	CarryOver func(from, to, dtype string) error
	// Card writes the model card of M_t.
	Card func(step record.StepResult) string
	// Interrupt, when closed, stops the run after the current update.
	Interrupt <-chan struct{}
}

// loop is a Run on its way.
type loop struct {
	*Run
	steps    []core.Step
	cache    *scorer.Cache
	summary  record.Summary
	metrics  *record.MetricsLog
	resident *resident
	infos    map[string]core.ModelInfo
}

// Do runs all steps that the folder does not already hold.
func (r *Run) Do(ctx context.Context) error {
	l := &loop{Run: r, cache: scorer.NewCache(), infos: map[string]core.ModelInfo{}}
	defer l.release()
	done, err := l.restore()
	if err != nil {
		return err
	}
	defer func() { l.metrics.Close() }()
	for t := done; ; t++ {
		last, err := l.visit(ctx, t)
		if err != nil || last {
			return err
		}
	}
}

// Partition runs the partition alone and returns its plan.
func (r *Run) Partition(ctx context.Context) (record.Plan, error) {
	l := &loop{Run: r, cache: scorer.NewCache(), infos: map[string]core.ModelInfo{}}
	defer l.release()
	if err := l.partition(ctx); err != nil {
		return record.Plan{}, err
	}
	return l.plan(), nil
}

// visit measures M_t and, unless it is the last, makes M_{t+1} from it. The
// partition comes first: it says which model is the last.
func (l *loop) visit(ctx context.Context, t int) (last bool, err error) {
	if l.interrupted() {
		return false, ErrInterrupted
	}
	if l.steps == nil {
		if err := l.partition(ctx); err != nil {
			return false, err
		}
		if err := l.writePlan(); err != nil {
			return false, err
		}
	}
	state, resumed, err := l.readState(t + 1)
	if err != nil {
		return false, err
	}
	if !resumed {
		if err := l.measure(ctx, t); err != nil {
			return false, fmt.Errorf("measure %s: %w", record.ModelName(t), err)
		}
	}
	if t == len(l.steps) {
		return true, nil
	}
	if l.interrupted() {
		return false, ErrInterrupted
	}
	references, err := l.references(ctx, t+1)
	if err != nil {
		return false, fmt.Errorf("step %d: reference: %w", t+1, err)
	}
	if err := l.train(ctx, t+1, references, state); err != nil {
		return false, fmt.Errorf("step %d: %w", t+1, err)
	}
	return false, nil
}

// modelDir is the folder of M_t.
func (l *loop) modelDir(t int) string {
	if t == 0 {
		return l.Base
	}
	return l.Folder.Path(record.StepDir(t), "model")
}

// info describes the model in dir, whose weights do not change.
func (l *loop) info(dir, name string) (core.ModelInfo, error) {
	if info, ok := l.infos[dir]; ok {
		return info, nil
	}
	info, err := l.Describe(dir, name)
	if err == nil {
		l.infos[dir] = info
	}
	return info, err
}

// resident is the model that is open. One that is being trained has neither folder
// nor scorer.
type resident struct {
	dir    string
	model  core.Model
	scorer *scorer.Scorer
}

// open makes the model in dir the resident one and returns its scorer.
func (l *loop) open(ctx context.Context, dir, name string) (*scorer.Scorer, error) {
	if l.resident != nil && l.resident.dir == dir {
		return l.resident.scorer, nil
	}
	l.release()
	info, err := l.info(dir, name)
	if err != nil {
		return nil, err
	}
	model, err := l.Backend.Open(ctx, dir, l.openOptions(""))
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", dir, err)
	}
	named := scorer.New(model, l.Codec, info, l.cache).Naming(l.Sources, l.Heldout, l.ReferenceSources)
	l.resident = &resident{dir, model, named}
	return named, nil
}

func (l *loop) openOptions(state string) core.OpenOptions {
	b := l.Config.Backend
	return core.OpenOptions{DType: b.DType, Train: true, State: state, Options: b.Options}
}

// release closes the resident model.
func (l *loop) release() {
	if l.resident != nil {
		l.resident.model.Close()
		l.resident = nil
	}
}
