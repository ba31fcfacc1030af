package stepwise

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// state is step-T/state/state.json: where a training was when it was saved.
// Weights and optimizer lie beside it.
type state struct {
	Step   int `json:"step"`
	Update int `json:"update"` // updates done
	// Budget is the tokens a micro-batch. It was chosen by the memory that was
	// free then, and another one would change the result's last bits.
	Budget  int     `json:"micro_batch_tokens"`
	First   float64 `json:"first_loss"`
	Last    float64 `json:"last_loss"`
	Seconds float64 `json:"seconds"`
}

// elapsed is the time that the training took before it was saved.
func (s *state) elapsed() time.Duration {
	if s == nil {
		return 0
	}
	return time.Duration(s.Seconds * float64(time.Second))
}

// resumeAt returns the update to go on with and restores the losses so far.
func (s *state) resumeAt(t *training) int {
	if s == nil {
		return 0
	}
	t.first, t.last = s.First, s.Last
	return s.Update
}

// saveState keeps what --resume needs, in place of the state before it.
func (l *loop) saveState(ctx context.Context, t *training, update int) error {
	if err := l.metrics.Sync(); err != nil {
		return err
	}
	from, _ := l.targetDir(t.step)
	folder := record.StepDir(t.step) + "/state"
	return l.Folder.WriteDir(folder, func(dir string) error {
		if err := t.model.Save(ctx, dir, core.SaveOptions{DType: "float32", State: true}); err != nil {
			return err
		}
		if err := l.CarryOver(from, dir, "float32"); err != nil {
			return err
		}
		return record.WriteJSONFile(dir, "state.json", state{t.step, update, t.budget, t.first, t.last, time.Since(t.started).Seconds()})
	})
}

// readState returns the state of the step's training if one was saved.
func (l *loop) readState(step int) (*state, bool, error) {
	var s state
	err := l.Folder.ReadJSON(record.StepDir(step)+"/state/state.json", &s)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return &s, err == nil, err
}

// restore finds out how far an earlier run came: it returns the number of
// finished steps, having read the partition and the summary, and opens the
// metrics after the last update that still counts.
func (l *loop) restore() (done int, err error) {
	if err := l.Folder.Sweep(); err != nil {
		return 0, err
	}
	if err := l.readOptional(); err != nil {
		return 0, err
	}
	for l.Folder.Has(record.StepDir(done+1), "step.json") {
		done++
		// A run that died right after its step's record left the state.
		if err := l.Folder.Remove(record.StepDir(done), "state"); err != nil {
			return 0, err
		}
	}
	step, update := done, 0
	if done > 0 {
		var r record.StepResult
		if err := l.Folder.ReadJSON(record.StepDir(done)+"/step.json", &r); err != nil {
			return 0, err
		}
		update = r.Updates
	}
	if s, ok, err := l.readState(done + 1); err != nil {
		return 0, err
	} else if ok {
		step, update = done+1, s.Update
	}
	if l.metrics, err = record.OpenMetrics(l.Folder, step, update); err != nil {
		return 0, fmt.Errorf("metrics: %w", err)
	}
	return done, nil
}

func (l *loop) readOptional() error {
	if l.Folder.Has("partition.jsonl") {
		steps, err := l.readPartition()
		if err != nil {
			return err
		}
		l.steps = steps
	}
	if l.Folder.Has("summary.json") {
		return l.Folder.ReadJSON("summary.json", &l.summary)
	}
	return nil
}
