// Package scorer is the host's side of core.Scorer: a model together with its
// tokenizer, its chat template and the rules by which texts become ids, so that
// partitioners and evaluators need none of them.
package scorer

import (
	"context"

	"github.com/stepwise-dpo/stepwise/core"
)

var _ core.Scorer = (*Scorer)(nil)

// Scorer scores with one model.
type Scorer struct {
	model   core.Model
	codec   *Codec
	info    core.ModelInfo
	cache   *Cache
	sources []core.Source // see Naming
}

// New returns a scorer of the model, whose folder the codec was loaded from. Scores
// are looked up in the cache and added to it; a nil cache remembers nothing.
func New(model core.Model, codec *Codec, info core.ModelInfo, cache *Cache) *Scorer {
	return &Scorer{model: model, codec: codec, info: info, cache: cache}
}

// Info implements core.Scorer.
func (s *Scorer) Info(context.Context) (core.ModelInfo, error) { return s.info, nil }

// Encode implements core.Scorer.
func (s *Scorer) Encode(ctx context.Context, texts []core.Text, r core.EncodeRules) ([]core.Encoded, error) {
	if r.MaxLength == 0 {
		r.MaxLength = s.info.MaxLength
	}
	return s.codec.encode(ctx, texts, r)
}

// LogProbs implements core.Scorer. What the cache knows is not computed again. An
// item that the model cannot score, or whose score is not finite, is a Fault.
func (s *Scorer) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	if err := s.checkItems(items); err != nil {
		return nil, err
	}
	if s.cache == nil || d != (core.Detail{}) {
		scores, err := s.model.LogProbs(ctx, items, d)
		if err != nil {
			return nil, err
		}
		return scores, s.checkFinite(items, scores)
	}
	scores := make([][]core.Score, len(items))
	var missing []core.Item
	var places []int
	for i, item := range items {
		known, ok := s.cache.Known(s.info, item)
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
	fresh, err := s.model.LogProbs(ctx, missing, d)
	if err != nil {
		return nil, err
	}
	for j, i := range places {
		scores[i] = fresh[j]
	}
	if err := s.checkFinite(items, scores); err != nil {
		return nil, err
	}
	for j := range missing {
		s.cache.put(s.info, missing[j], fresh[j])
	}
	return scores, nil
}
