package coretest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// TestPartitioner checks p against the contract of core.Partitioner on three
// small sources, those of [Sources].
func TestPartitioner(t *testing.T, p core.Partitioner) {
	t.Helper()
	runChecks(t, p, partitionerChecks)
}

var partitionerChecks = []check[core.Partitioner]{
	{"no pair twice, no step empty", func(ctx context.Context, p core.Partitioner) error {
		sources := Sources()
		steps, err := p.Partition(ctx, sources, newSpy(nil))
		if err != nil {
			return err
		}
		return core.CheckSteps(sources, steps)
	}},
	{"same input, same steps", func(ctx context.Context, p core.Partitioner) error {
		first, err := p.Partition(ctx, Sources(), newSpy(nil))
		if err != nil {
			return err
		}
		for range 3 {
			again, err := p.Partition(ctx, Sources(), newSpy(nil))
			if err != nil {
				return err
			}
			if !reflect.DeepEqual(first, again) {
				return fmt.Errorf("steps %v, then %v", first, again)
			}
		}
		return nil
	}},
	{"sources are left as they were", func(ctx context.Context, p core.Partitioner) error {
		sources := Sources()
		if _, err := p.Partition(ctx, sources, newSpy(nil)); err != nil {
			return err
		}
		if !reflect.DeepEqual(sources, Sources()) {
			return errors.New("the partitioner changed its sources")
		}
		return nil
	}},
	{"cancellation", func(ctx context.Context, p core.Partitioner) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		s := newSpy(nil)
		_, err := p.Partition(ctx, Sources(), s)
		if err == nil && s.calls == 0 {
			return nil // it needs no model and was done at once
		}
		return wantError("Partition under a cancelled context", err, context.Canceled)
	}},
	{"the scorer's error is passed on", func(ctx context.Context, p core.Partitioner) error {
		s := newSpy(errProbe)
		_, err := p.Partition(ctx, Sources(), s)
		if s.calls == 0 {
			return err
		}
		return wantError("Partition with a failing scorer", err, errProbe)
	}},
}

// Sources returns three sources of 12, 9 and 5 pairs, as text and as the ids of
// Scorer's tokenizer.
func Sources() []core.Source {
	words := []string{"red", "green", "blue", "seven", "eleven", "river", "stone", "cloud", "yes", "no", "maybe", "never"}
	var sources []core.Source
	for s, n := range []int{12, 9, 5} {
		source := core.Source{Name: []string{"colours", "numbers", "places"}[s]}
		for i := range n {
			source.Pairs = append(source.Pairs, textPair(
				fmt.Sprintf("Question %d of %s?", i+1, source.Name),
				" "+words[(i+s)%len(words)]+".",
				" "+words[(5*i+3*s+1)%len(words)]+", I think.",
			))
		}
		sources = append(sources, source)
	}
	return sources
}

func textPair(prompt, chosen, rejected string) core.Pair {
	return core.Pair{
		Prompt: prompt, Chosen: chosen, Rejected: rejected,
		PromptIDs: byteIDs(prompt), ChosenIDs: byteIDs(chosen), RejectedIDs: byteIDs(rejected),
	}
}
