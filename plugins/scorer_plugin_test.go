//go:build unix

package plugins

import (
	"context"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// lateCancel is a context that has ended when it is looked at a second time.
type lateCancel struct {
	context.Context
	looks *int
}

func (c lateCancel) Err() error {
	if *c.looks++; *c.looks > 1 {
		return context.Canceled
	}
	return nil
}

// zeroScorer scores whatever it is asked.
type zeroScorer struct{ core.Scorer }

func (zeroScorer) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	return idleModel{}.LogProbs(ctx, items, d)
}

func (zeroScorer) Encode(_ context.Context, texts []core.Text, _ core.EncodeRules) ([]core.Encoded, error) {
	return make([]core.Encoded, len(texts)), nil
}

// An author's context that ends while a question is being sent leaves nothing
// behind for the next question.
func TestContextEndsWithinAQuestion(t *testing.T) {
	long := core.Item{Prompt: make([]int32, chunkBytes), Completions: [][]int32{{1}}}
	text := core.Text{Prompt: string(make([]byte, chunkBytes)), Completions: []string{"a"}}
	asks := evaluateFunc(func(ctx context.Context, s core.Scorer, _ string) ([]core.Metric, error) {
		for _, c := range []context.Context{lateCancel{ctx, new(int)}, ctx} {
			if _, err := s.LogProbs(c, []core.Item{long, long}, core.Detail{}); err != nil && c == ctx {
				return nil, err
			}
		}
		for _, c := range []context.Context{lateCancel{ctx, new(int)}, ctx} {
			if _, err := s.Encode(c, []core.Text{text, text}, core.EncodeRules{}); err != nil && c == ctx {
				return nil, err
			}
		}
		return nil, nil
	})
	p := inProcess(t, evaluatorService(func(core.Options) (core.Evaluator, error) { return asks, nil }))
	e, err := newEvaluator(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Evaluate(t.Context(), zeroScorer{}, ""); err != nil {
		t.Error(err)
	}
}
