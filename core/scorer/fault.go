package scorer

import (
	"fmt"
	"math"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
)

// Fault is what is wrong with one text or item of a call.
type Fault struct {
	Index int    // its place in the call
	Name  string // what the user knows it by: "text 3", "item 3", or its pair
	Err   error
}

func (f *Fault) Error() string { return f.Name + ": " + f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// Naming makes faults of items name their pairs, where these are among the
// sources. It returns s.
func (s *Scorer) Naming(sources ...[]core.Source) *Scorer {
	s.sources = slices.Concat(sources...)
	return s
}

// fault says what is wrong with the item of that index.
func (s *Scorer) fault(index int, item core.Item, err error) error {
	return fmt.Errorf("model %q: %w", s.info.Path, &Fault{Index: index, Name: s.nameOf(index, item), Err: err})
}

func (s *Scorer) nameOf(index int, item core.Item) string {
	wanted := key(s.info, item)
	for _, source := range s.sources {
		for i, p := range source.Pairs {
			if key(s.info, p.Item()) == wanted {
				return fmt.Sprintf("source %q, pair %d", source.Name, i)
			}
		}
	}
	return fmt.Sprintf("item %d", index)
}

// checkItems refuses what the model cannot score.
func (s *Scorer) checkItems(items []core.Item) error {
	for i, item := range items {
		if err := item.Check(s.info.VocabSize); err != nil {
			return s.fault(i, item, err)
		}
	}
	return nil
}

// checkFinite refuses log-probabilities that are NaN or infinite. None is so by
// right: no completion is empty, and no token of a vocabulary is masked.
func (s *Scorer) checkFinite(items []core.Item, scores [][]core.Score) error {
	for i := range scores {
		for j, score := range scores[i] {
			if notFinite(score.LogProb) || slices.ContainsFunc(score.TokenLogProbs, notFinite) {
				return s.fault(i, items[i], fmt.Errorf("the log-probability of completion %d is %w; the weights are damaged or overflow: "+
					"take another copy of the model, train it with a lower learning rate, or set dtype to float32", j, core.ErrNotFinite))
			}
		}
	}
	return nil
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
