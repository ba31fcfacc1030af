//go:build unix

package plugins

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// asker is an evaluator that tells its questions.
type asker struct{ evaluateFunc }

// manyQuestions are more than a message holds.
var manyQuestions = slices.Repeat([]core.Question{{Task: "quiz", Text: "Why?"}, {Task: "exam", Text: strings.Repeat("Où est-ce? ", 1<<12)}}, 50)

func (asker) Questions(ctx context.Context) ([]core.Question, error) {
	core.ReporterFrom(ctx).Note("asking")
	return manyQuestions, nil
}

func TestQuestionsCross(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		said := make(notes, 1)
		got, err := r.evaluator(t, "asks").Questions(core.WithReporter(t.Context(), said))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, manyQuestions) {
			t.Errorf("%d questions came back for %d, or others", len(got), len(manyQuestions))
		}
		if note := <-said; note != "asking" {
			t.Errorf("note %q", note)
		}
	})
}

func TestQuestionsUnsupported(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		_, err := r.evaluator(t, "gamma").Questions(t.Context())
		if !errors.Is(err, core.ErrUnsupported) {
			t.Errorf("error %v, want core.ErrUnsupported", err)
		}
	})
}
