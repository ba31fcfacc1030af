package coretest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// check is one promise of a contract. run says how the subject breaks it.
type check[T any] struct {
	name string
	run  func(ctx context.Context, subject T) error
}

func runChecks[T any](t *testing.T, subject T, checks []check[T]) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(t.Context(), subject); err != nil {
				t.Error(err)
			}
		})
	}
}

// errProbe is the error that suites put in and expect to get back.
var errProbe = errors.New("the error that the conformance suite raised")

// wantError says that call did not fail with target.
func wantError(call string, err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return fmt.Errorf("%s: error %v, want one that is %q", call, err, target)
}

// spy is a Scorer that counts the calls and fails them with err, where set.
type spy struct {
	core.Scorer
	err   error
	calls int
}

func (s *spy) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	s.calls++
	if s.err != nil {
		return nil, s.err
	}
	return s.Scorer.LogProbs(ctx, items, d)
}

func newSpy(err error) *spy {
	return &spy{Scorer: NewScorer(NewModel(Vocab, 6, 1), 4096), err: err}
}
