package coretest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// partitionFunc and evaluateFunc make implementations of functions.
type partitionFunc func(context.Context, []core.Source, core.Scorer) ([]core.Step, error)

func (f partitionFunc) Partition(ctx context.Context, s []core.Source, base core.Scorer) ([]core.Step, error) {
	return f(ctx, s, base)
}

type evaluateFunc func(context.Context, core.Scorer) ([]core.Metric, error)

func (f evaluateFunc) Evaluate(ctx context.Context, s core.Scorer, _ string) ([]core.Metric, error) {
	return f(ctx, s)
}

// bySource scores every source and makes a step of each.
func bySource(ctx context.Context, sources []core.Source, base core.Scorer) ([]core.Step, error) {
	var steps []core.Step
	for i, s := range sources {
		if _, err := base.LogProbs(ctx, s.Items(), core.Detail{}); err != nil {
			return nil, err
		}
		steps = append(steps, core.Step{Pairs: core.WholeSource(sources, i)})
	}
	return steps, nil
}

// meanGamma measures the first source.
func meanGamma(ctx context.Context, s core.Scorer) ([]core.Metric, error) {
	scores, err := s.LogProbs(ctx, Sources()[0].Items(), core.Detail{})
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, pair := range scores {
		sum += pair[0].LogProb - pair[1].LogProb
	}
	return []core.Metric{{Task: "colours", Name: "gamma", Value: sum / float64(len(scores)), StdErr: math.NaN(), N: len(scores)}}, nil
}

func TestSoundPluginsConform(t *testing.T) {
	TestPartitioner(t, partitionFunc(bySource))
	TestEvaluator(t, evaluateFunc(meanGamma))
}

func TestThePartitionerSuiteSeesFaults(t *testing.T) {
	calls := 0
	wantFault(t, partitionerChecks, map[string]core.Partitioner{
		"no pair twice, no step empty": partitionFunc(func(ctx context.Context, s []core.Source, base core.Scorer) ([]core.Step, error) {
			steps, err := bySource(ctx, s, base)
			return append(steps, steps...), err
		}),
		"same input, same steps": partitionFunc(func(ctx context.Context, s []core.Source, base core.Scorer) ([]core.Step, error) {
			calls++
			steps, err := bySource(ctx, s, base)
			return steps[calls%2:], err
		}),
		"sources are left as they were": partitionFunc(func(ctx context.Context, s []core.Source, base core.Scorer) ([]core.Step, error) {
			slices.Reverse(s[0].Pairs)
			return bySource(ctx, s, base)
		}),
		"cancellation": partitionFunc(func(ctx context.Context, s []core.Source, base core.Scorer) ([]core.Step, error) {
			return bySource(context.WithoutCancel(ctx), s, base)
		}),
		"the scorer's error is passed on": partitionFunc(func(ctx context.Context, s []core.Source, base core.Scorer) ([]core.Step, error) {
			_, err := bySource(ctx, s, base)
			return nil, errors.New(err.Error())
		}),
	})
}

func TestTheEvaluatorSuiteSeesFaults(t *testing.T) {
	calls := 0.0
	drift := evaluateFunc(func(ctx context.Context, s core.Scorer) ([]core.Metric, error) {
		metrics, err := meanGamma(ctx, s)
		calls++
		metrics[0].Value += calls
		return metrics, err
	})
	wantFault(t, evaluatorChecks, map[string]core.Evaluator{
		"metrics are well formed": evaluateFunc(func(ctx context.Context, s core.Scorer) ([]core.Metric, error) {
			metrics, err := meanGamma(ctx, s)
			return append(metrics, metrics...), err
		}),
		"same model, same metrics": drift,
		"files change no metric":   drift,
		"cancellation": evaluateFunc(func(ctx context.Context, s core.Scorer) ([]core.Metric, error) {
			return meanGamma(context.WithoutCancel(ctx), s)
		}),
		"questions name their task": nameless{},
		"the scorer's error is passed on": evaluateFunc(func(ctx context.Context, s core.Scorer) ([]core.Metric, error) {
			_, err := meanGamma(ctx, s)
			return nil, errors.New(err.Error())
		}),
	})
}

// nameless asks questions of no task.
type nameless struct{ core.Evaluator }

func (nameless) Questions(context.Context) ([]core.Question, error) {
	return []core.Question{{Text: "Why?"}}, nil
}

// wantFault runs each faulty subject through the check that is named for it.
func wantFault[T any](t *testing.T, checks []check[T], faulty map[string]T) {
	t.Helper()
	for _, c := range checks {
		subject, ok := faulty[c.name]
		if !ok {
			t.Errorf("no faulty subject for %q", c.name)
			continue
		}
		if err := c.run(t.Context(), subject); err == nil {
			t.Errorf("%q does not see its fault", c.name)
		}
	}
}
