package stepwise

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// train makes M_step from the references, from the state of an earlier run
// where there is one.
func (l *loop) train(ctx context.Context, step int, references []record.PairScore, state *state) error {
	if err := l.noteGamma(step-1, references); err != nil {
		return err
	}
	model, err := l.openTarget(ctx, step, state)
	if err != nil {
		return err
	}
	t, err := l.newTraining(step, references, model)
	if err != nil {
		return err
	}
	if t.sameModel, err = l.startsAtReference(step); err != nil {
		return err
	}
	if state != nil && state.Budget > 0 {
		t.budget = state.Budget
	} else if t.budget, err = l.microBatchTokens(ctx, t); err != nil {
		return err
	}
	t.started = time.Now().Add(-state.elapsed())
	if err := l.updates(ctx, t, state); err != nil {
		return err
	}
	return l.finish(ctx, t, references)
}

// targetDir is the model that the step's training starts from.
func (l *loop) targetDir(step int) (dir, name string) {
	if l.Config.Train.TargetInit == "base" {
		return l.Base, record.ModelName(0)
	}
	return l.modelDir(step - 1), record.ModelName(step - 1)
}

// openTarget opens the model that the step's training goes on from. As its weights
// will be no folder's, nothing can be scored with it by that name.
func (l *loop) openTarget(ctx context.Context, step int, state *state) (core.Model, error) {
	if state == nil {
		dir, name := l.targetDir(step)
		if _, err := l.open(ctx, dir, name); err != nil {
			return nil, err
		}
		l.resident = &resident{model: l.resident.model}
		return l.resident.model, nil
	}
	l.release()
	saved := l.Folder.Path(record.StepDir(step), "state")
	model, err := l.Backend.Open(ctx, saved, l.openOptions(saved))
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", saved, err)
	}
	l.resident = &resident{model: model}
	return model, nil
}

// startsAtReference says whether target and reference begin with the same
// weights and tokens.
func (l *loop) startsAtReference(step int) (bool, error) {
	targetDir, targetName := l.targetDir(step)
	referenceDir, referenceName := l.referenceModel(step)
	target, err := l.info(targetDir, targetName)
	if err != nil {
		return false, err
	}
	reference, err := l.info(referenceDir, referenceName)
	return target.WeightsHash == reference.WeightsHash && l.ReferenceSources == nil, err
}

// updates runs the step's updates and saves the state between them.
func (l *loop) updates(ctx context.Context, t *training, state *state) error {
	report := core.ReporterFrom(ctx)
	what := fmt.Sprintf("step %d of %d: update", t.step, len(l.steps))
	saved := time.Now()
	for u := state.resumeAt(t); u < t.updates; u++ {
		m, err := t.update(ctx, u)
		if err != nil {
			return fmt.Errorf("update %d: %w", u+1, err)
		}
		if u == 0 {
			t.first = m.Loss
		}
		t.last = m.Loss
		if err := l.metrics.Append(m); err != nil {
			return err
		}
		report.Progress(what, u+1, t.updates)
		interrupted := l.interrupted()
		if u+1 < t.updates && (interrupted || l.saveDue(u+1, saved)) {
			if err := l.saveState(ctx, t, u+1); err != nil {
				return err
			}
			saved = time.Now()
		}
		if interrupted && u+1 < t.updates {
			return ErrInterrupted
		}
	}
	return nil
}

func (l *loop) interrupted() bool {
	select {
	case <-l.Interrupt:
		return true
	default:
		return false
	}
}

// saveInterval is the time between checkpoints where save_every is 0.
const saveInterval = 10 * time.Minute

func (l *loop) saveDue(update int, saved time.Time) bool {
	if every := l.Config.Train.SaveEvery; every > 0 {
		return update%every == 0
	}
	return time.Since(saved) >= saveInterval
}

// finish saves M_step and the step's record, and drops the state.
func (l *loop) finish(ctx context.Context, t *training, references []record.PairScore) error {
	gamma := record.GammaOf(references)
	result := record.StepResult{
		Step: t.step, Sources: l.sourceNames(t.step), Pairs: len(t.examples), Updates: t.updates,
		Gamma:          record.GammaMeans{Mean: gamma.Mean, PerToken: gamma.PerToken},
		RewardAccuracy: gamma.RewardAccuracy,
		Loss:           record.FirstLast{First: t.first, Last: t.last},
		Seconds:        time.Since(t.started).Seconds(),
	}
	folder := record.StepDir(t.step)
	from, _ := l.targetDir(t.step)
	dtype := l.Config.Model.SaveDType
	err := l.Folder.WriteDir(folder+"/model", func(dir string) error {
		if err := t.model.Save(ctx, dir, core.SaveOptions{DType: dtype}); err != nil {
			return err
		}
		if err := l.CarryOver(from, dir, dtype); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "README.md"), []byte(l.Card(result)), 0o644)
	})
	if err != nil {
		return err
	}
	l.release()
	info, err := l.info(l.modelDir(t.step), record.ModelName(t.step))
	if err != nil {
		return err
	}
	result.ModelHash = info.WeightsHash
	if err := l.metrics.Sync(); err != nil {
		return err
	}
	if err := l.Folder.WriteJSON(folder+"/step.json", result); err != nil {
		return err
	}
	core.ReporterFrom(ctx).Note(fmt.Sprintf("step %d of %d: %s, %d pairs, loss %.4f -> %.4f, %.0f s",
		t.step, len(l.steps), strings.Join(result.Sources, ", "), result.Pairs, t.first, t.last, result.Seconds))
	return l.Folder.Remove(folder, "state")
}
