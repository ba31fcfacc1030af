// Package scorer is the host's side of core.Scorer: a model together with its
// tokenizer, its chat template and the rules by which texts become ids, so that
// partitioners and evaluators need none of them.
package scorer

import (
	"context"
	"fmt"

	"github.com/stepwise-dpo/stepwise/core"
)

var _ core.Scorer = (*Scorer)(nil)

// Scorer scores with one model.
type Scorer struct {
	model core.Model
	text  *Text
	info  core.ModelInfo
	cache *Cache
}

// New returns a scorer of the model, whose folder text was loaded from. Scores
// are looked up in the cache and added to it; a nil cache remembers nothing.
func New(model core.Model, text *Text, info core.ModelInfo, cache *Cache) *Scorer {
	return &Scorer{model: model, text: text, info: info, cache: cache}
}

// Info implements core.Scorer.
func (s *Scorer) Info(context.Context) (core.ModelInfo, error) { return s.info, nil }

// Encode implements core.Scorer.
func (s *Scorer) Encode(ctx context.Context, texts []core.Text, r core.EncodeRules) ([]core.Encoded, error) {
	if r.MaxLength == 0 {
		r.MaxLength = s.info.MaxLength
	}
	return s.text.encode(ctx, texts, r)
}

// LogProbs implements core.Scorer. What the cache knows is not computed again.
func (s *Scorer) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	if s.cache == nil || d != (core.Detail{}) {
		return s.logProbs(ctx, items, d)
	}
	scores := make([][]core.Score, len(items))
	var missing []core.Item
	var places []int
	for i, item := range items {
		known, ok := s.cache.get(s.info, item)
		if ok {
			scores[i] = known
			continue
		}
		missing = append(missing, item)
		places = append(places, i)
	}
	if len(missing) == 0 {
		return scores, nil
	}
	fresh, err := s.logProbs(ctx, missing, d)
	if err != nil {
		return nil, err
	}
	for j, i := range places {
		scores[i] = fresh[j]
		s.cache.put(s.info, missing[j], fresh[j])
	}
	return scores, nil
}

// logProbs refuses ids that the model does not have before it asks the model.
func (s *Scorer) logProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	for i, item := range items {
		if err := s.check(item); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return s.model.LogProbs(ctx, items, d)
}

func (s *Scorer) check(item core.Item) error {
	if len(item.Prompt) == 0 {
		return fmt.Errorf("its prompt has no token; the first completion token needs one to be predicted from")
	}
	if err := s.checkIDs(item.Prompt); err != nil {
		return err
	}
	for j, c := range item.Completions {
		if len(c) == 0 {
			return fmt.Errorf("its completion %d has no token", j)
		}
		if err := s.checkIDs(c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scorer) checkIDs(ids []int32) error {
	for _, id := range ids {
		if id < 0 || int(id) >= s.info.VocabSize {
			return fmt.Errorf("token id %d is outside of the vocabulary of %d of model %q", id, s.info.VocabSize, s.info.Path)
		}
	}
	return nil
}
