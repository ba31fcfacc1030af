package coretest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// TestEvaluator checks e against the contract of core.Evaluator with a tiny
// model behind the scorer.
func TestEvaluator(t *testing.T, e core.Evaluator) {
	t.Helper()
	runChecks(t, e, evaluatorChecks)
}

var evaluatorChecks = []check[core.Evaluator]{
	{"metrics are well formed", func(ctx context.Context, e core.Evaluator) error {
		metrics, err := evaluate(ctx, e)
		if err != nil {
			return err
		}
		return checkMetrics(metrics)
	}},
	{"same model, same metrics", func(ctx context.Context, e core.Evaluator) error {
		first, err := evaluate(ctx, e)
		if err != nil {
			return err
		}
		again, err := evaluate(ctx, e)
		if err != nil {
			return err
		}
		return sameMetrics(first, again)
	}},
	{"files change no metric", func(ctx context.Context, e core.Evaluator) error {
		dir, err := os.MkdirTemp("", "coretest")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		with, err := e.Evaluate(ctx, newSpy(nil), dir)
		if err != nil {
			return err
		}
		without, err := evaluate(ctx, e)
		if err != nil {
			return err
		}
		return sameMetrics(with, without)
	}},
	{"cancellation", func(ctx context.Context, e core.Evaluator) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, err := evaluate(ctx, e)
		return wantError("Evaluate under a cancelled context", err, context.Canceled)
	}},
	{"questions name their task", func(ctx context.Context, e core.Evaluator) error {
		q, ok := e.(core.Questioner)
		if !ok {
			return nil
		}
		questions, err := q.Questions(ctx)
		if errors.Is(err, core.ErrUnsupported) {
			return nil
		}
		if i := slices.IndexFunc(questions, func(q core.Question) bool { return q.Task == "" }); err == nil && i >= 0 {
			return fmt.Errorf("question %d, %q, lacks a task", i, questions[i].Text)
		}
		return err
	}},
	{"the scorer's error is passed on", func(ctx context.Context, e core.Evaluator) error {
		_, err := e.Evaluate(ctx, newSpy(errProbe), "")
		return wantError("Evaluate with a failing scorer", err, errProbe)
	}},
}

func evaluate(ctx context.Context, e core.Evaluator) ([]core.Metric, error) {
	return e.Evaluate(ctx, newSpy(nil), "")
}

func checkMetrics(metrics []core.Metric) error {
	if len(metrics) == 0 {
		return errors.New("no metrics")
	}
	seen := map[[2]string]bool{}
	for _, m := range metrics {
		key := [2]string{m.Task, m.Name}
		switch {
		case m.Task == "" || m.Name == "":
			return fmt.Errorf("%+v lacks a task or a name", m)
		case seen[key]:
			return fmt.Errorf("metric %q of task %q is there twice", m.Name, m.Task)
		case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
			return fmt.Errorf("metric %q of task %q is %v", m.Name, m.Task, m.Value)
		case m.StdErr < 0 || math.IsInf(m.StdErr, 0):
			return fmt.Errorf("metric %q of task %q has the standard error %v", m.Name, m.Task, m.StdErr)
		case m.N < 1:
			return fmt.Errorf("metric %q of task %q is over %d documents", m.Name, m.Task, m.N)
		}
		seen[key] = true
	}
	return nil
}

// sameMetrics compares to the bit, NaN being equal to NaN.
func sameMetrics(a, b []core.Metric) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d metrics, then %d", len(a), len(b))
	}
	for i := range a {
		if fmt.Sprintf("%+v", a[i]) != fmt.Sprintf("%+v", b[i]) {
			return fmt.Errorf("metric %+v, then %+v", a[i], b[i])
		}
	}
	return nil
}
