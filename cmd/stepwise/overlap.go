package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/preference"
)

// printOverlaps tells what the sources share with each other and with the
// benchmarks that are to judge what is learnt from them.
func (b *built) printOverlaps(ctx context.Context, w io.Writer) error {
	for _, o := range preference.Overlaps(slices.Concat(b.Sources, b.Heldout)) {
		fmt.Fprintf(w, "overlap: %d pairs and %d prompts of %s are in %s too\n", o.Pairs, o.Prompts, o.B, o.A)
	}
	questions, err := b.questions(ctx)
	if err != nil {
		return err
	}
	for _, c := range preference.Contaminations(b.Sources, questions) {
		fmt.Fprintf(w, "contamination: %d prompts of %s hold test questions of %s; remove them from the file, or do not trust that benchmark\n", c.Pairs, c.Source, c.Task)
	}
	return nil
}

// questions are what the run's evaluators ask, those that tell.
func (b *built) questions(ctx context.Context) ([]core.Question, error) {
	var all []core.Question
	for _, e := range b.Evaluators {
		q, ok := e.(core.Questioner)
		if !ok {
			continue
		}
		list, err := q.Questions(ctx)
		if err != nil && !errors.Is(err, core.ErrUnsupported) {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}
