package core

import (
	"context"
	"errors"
	"fmt"
)

// Partitioner decides what the model learns first. It uses no pair twice and
// leaves no step empty; the same sources and scores give the same steps. Pairs
// that are in no step are not trained on.
type Partitioner interface {
	// Partition distributes the sources' pairs over steps. base scores with
	// the base model M_0.
	Partition(ctx context.Context, sources []Source, base Scorer) ([]Step, error)
}

// Source is a named list of preference pairs.
type Source struct {
	Name  string
	Pairs []Pair
}

// Items returns the source's pairs as items, chosen before rejected.
func (s Source) Items() []Item {
	items := make([]Item, len(s.Pairs))
	for i, p := range s.Pairs {
		items[i] = p.Item()
	}
	return items
}

// Pair is a prompt with a preferred and a rejected completion, as text and as
// the token ids that the model will see. The texts are empty where the source
// holds ids.
type Pair struct {
	Prompt, Chosen, Rejected          string
	PromptIDs, ChosenIDs, RejectedIDs []int32
}

// Item returns the pair's ids with the completions chosen, rejected.
func (p Pair) Item() Item {
	return Item{Prompt: p.PromptIDs, Completions: [][]int32{p.ChosenIDs, p.RejectedIDs}}
}

// Step is one step's pairs, in the order in which they are to be found; the
// training shuffles them itself where it is told to.
type Step struct {
	Pairs []PairRef
}

// PairRef names a pair: the index of its source and its index therein.
type PairRef struct {
	Source, Pair int
}

// WholeSource returns a reference to each pair of sources[index].
func WholeSource(sources []Source, index int) []PairRef {
	refs := make([]PairRef, len(sources[index].Pairs))
	for i := range refs {
		refs[i] = PairRef{Source: index, Pair: i}
	}
	return refs
}

// AllPairs returns a reference to each pair of all sources, source by source.
func AllPairs(sources []Source) []PairRef {
	var refs []PairRef
	for i := range sources {
		refs = append(refs, WholeSource(sources, i)...)
	}
	return refs
}

// CheckSteps says what is wrong with steps as a partition of sources: none, an
// empty one, a pair that does not exist or one that is used twice.
func CheckSteps(sources []Source, steps []Step) error {
	if len(steps) == 0 {
		return errors.New("no step")
	}
	seen := map[PairRef]int{}
	for t, step := range steps {
		if len(step.Pairs) == 0 {
			return fmt.Errorf("step %d is empty", t+1)
		}
		for _, ref := range step.Pairs {
			if ref.Source < 0 || ref.Source >= len(sources) || ref.Pair < 0 || ref.Pair >= len(sources[ref.Source].Pairs) {
				return fmt.Errorf("step %d has pair %d of source %d, which does not exist", t+1, ref.Pair, ref.Source)
			}
			if before, twice := seen[ref]; twice {
				return fmt.Errorf("pair %d of source %q is in step %d and in step %d", ref.Pair, sources[ref.Source].Name, before, t+1)
			}
			seen[ref] = t + 1
		}
	}
	return nil
}
