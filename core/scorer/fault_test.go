package scorer_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

// broken is a model that gives one item of a call a score that is no number.
type broken struct {
	core.Model
	item  int
	score float64
}

func (b broken) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	scores, err := b.Model.LogProbs(ctx, items, d)
	if err == nil {
		scores[b.item][1].LogProb = b.score
	}
	return scores, err
}

// TestNotFinite: a score that is NaN or infinite is refused with the item's place
// in the call and its pair's name, is not remembered, and is refused the next time.
func TestNotFinite(t *testing.T) {
	info := core.ModelInfo{VocabSize: coretest.Vocab}
	sources := coretest.Sources()
	items := sources[1].Items()
	for _, bad := range []float64{math.NaN(), math.Inf(-1), math.Inf(1)} {
		cache := scorer.NewCache()
		sound := coretest.NewModel(coretest.Vocab, 8, 1)
		if _, err := scorer.New(sound, nil, info, cache).LogProbs(context.Background(), items[:2], core.Detail{}); err != nil {
			t.Fatal(err)
		}
		s := scorer.New(broken{sound, 1, bad}, nil, info, cache).Naming(sources)
		for _, d := range []core.Detail{{}, {}, {Greedy: true}} {
			_, err := s.LogProbs(context.Background(), items, d)
			want := 3 // the second of those that the cache lacks
			if d.Greedy {
				want = 1
			}
			var f *scorer.Fault
			if !errors.Is(err, core.ErrNotFinite) || !errors.As(err, &f) || f.Index != want {
				t.Fatalf("score %v, %+v: error %v, want one of item %d", bad, d, err, want)
			}
			if name := `source "` + sources[1].Name + `", pair `; !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want %q", err, name)
			}
		}
	}
}
