package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/loss"
	"github.com/stepwise-dpo/stepwise/core/schedule"
	"github.com/stepwise-dpo/stepwise/plugins"
)

// beta scales the implicit reward of the DPO that bench times.
const beta = 0.1

// A trainee is a backend with the model that bench times.
type trainee struct {
	backend *plugins.Backend
	options core.OpenOptions
	dir     string // of the model
	items   []core.Item

	model     core.Model
	loss      *loss.Loss
	optimizer core.Optimizer
	reference [][]core.Score // of the items before the first update
	forecast  core.Forecast  // of the update; zero where the backend gives none
	peak      int64          // bytes of the backend's process on the host; 0 = unknown
}

// newTrainee takes over the backend; prepare opens the model.
func newTrainee(backend *plugins.Backend, o core.OpenOptions) (*trainee, error) {
	t := &trainee{backend: backend, options: o}
	var err error
	if t.loss, err = loss.New("sigmoid", core.Options{"beta": beta}); err != nil {
		return nil, err
	}
	t.optimizer, err = schedule.OptimizerByName("adamw")
	return t, err
}

// prepare opens the model and does each work before it is timed; updates twice, for
// the second needs the most memory, beside the moments that the first has made.
func (t *trainee) prepare(ctx context.Context) (err error) {
	t.forecast, err = t.backend.Forecast(ctx, t.dir, t.options, core.NewWorkload(t.items))
	if err != nil && !errors.Is(err, core.ErrUnsupported) {
		return err
	}
	if t.model, err = t.backend.Open(ctx, t.dir, t.options); err != nil {
		return err
	}
	if t.reference, err = t.model.LogProbs(ctx, t.items, core.Detail{}); err != nil {
		return err
	}
	return errors.Join(t.update(ctx), t.update(ctx))
}

// time does the work once and returns how long it took, in seconds.
func (t *trainee) time(ctx context.Context, work string) (float64, error) {
	start := time.Now()
	var err error
	switch work {
	case scoring:
		_, err = t.model.LogProbs(ctx, t.items, core.Detail{})
	case update:
		err = t.update(ctx)
	}
	return time.Since(start).Seconds(), err
}

// update is one step of DPO on all items.
func (t *trainee) update(ctx context.Context) error {
	if err := t.model.Accumulate(ctx, t.items, t.weights); err != nil {
		return err
	}
	_, err := t.model.Update(ctx, core.Update{LearningRate: 1e-6, MaxGradNorm: 1, Optimizer: t.optimizer})
	return err
}

// weights are the derivatives of the mean loss.
func (t *trainee) weights(scores [][]core.Score) ([][]float64, error) {
	pairs := make([]loss.Pair, len(scores))
	for i, s := range scores {
		ref := t.reference[i]
		pairs[i] = loss.Pair{Chosen: s[0].LogProb, Rejected: s[1].LogProb, RefChosen: ref[0].LogProb, RefRejected: ref[1].LogProb}
	}
	w := make([][]float64, len(scores))
	for i, term := range t.loss.Terms(pairs) {
		w[i] = []float64{term.DChosen / float64(len(w)), term.DRejected / float64(len(w))}
	}
	return w, nil
}

// close ends the backend and notes its peak of memory. A second call does nothing.
func (t *trainee) close() (err error) {
	if t.backend == nil {
		return nil
	}
	if t.model != nil {
		err = t.model.Close()
	}
	err = errors.Join(err, t.backend.Close())
	t.model, t.backend = nil, nil
	if err != nil {
		return err
	}
	if t.peak, err = childrensPeak(); err != nil {
		return fmt.Errorf("peak memory of the backend's process: %w", err)
	}
	return nil
}
