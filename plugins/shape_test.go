//go:build unix

package plugins

import (
	"context"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// givenBackend opens models that answer with given scores, whatever is asked.
type givenBackend struct {
	coretest.Backend
	scores [][]core.Score
}

func (b givenBackend) Open(context.Context, string, core.OpenOptions) (core.Model, error) {
	return givenModel{scores: b.scores}, nil
}

type givenModel struct {
	core.Model
	scores [][]core.Score
}

func (m givenModel) LogProbs(context.Context, []core.Item, core.Detail) ([][]core.Score, error) {
	return m.scores, nil
}

func (m givenModel) Accumulate(_ context.Context, _ []core.Item, grad core.GradFunc) error {
	_, err := grad(m.scores)
	return err
}

func (givenModel) Close() error { return nil }

// A loss indexes scores by items and completions: it must not see others.
func TestScoresOfAnotherShape(t *testing.T) {
	for want, scores := range map[string][][]core.Score{
		"0 rows of scores came back for 2 items":       nil,
		"1 rows of scores came back for 2 items":       make([][]core.Score, 1),
		"3 rows of scores came back for 2 items":       make([][]core.Score, 3),
		"item 1: 1 scores came back for 2 completions": {make([]core.Score, 2), make([]core.Score, 1)},
		"item 0: 0 scores came back for 2 completions": {nil, make([]core.Score, 2)},
		"item 0: 3 scores came back for 2 completions": {make([]core.Score, 3), make([]core.Score, 2)},
	} {
		t.Run(want, func(t *testing.T) {
			m, err := newBackend(inProcess(t, backendService(givenBackend{scores: scores}))).Open(t.Context(), "anywhere", core.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.LogProbs(t.Context(), pairsOf(2), core.Detail{})
			wantText(t, err, `backend "memory": `+want)
			err = m.Accumulate(t.Context(), pairsOf(2), func(scores [][]core.Score) ([][]float64, error) {
				t.Error("grad was called")
				return zeroWeights(scores)
			})
			wantText(t, err, `backend "memory": `+want)
		})
	}
}
