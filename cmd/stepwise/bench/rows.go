package bench

import (
	"math/rand/v2"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// randomItems are pairs whose prompt and completions have half of the tokens each.
func randomItems(pairs, tokens, vocabulary int) []core.Item {
	rng := rand.New(rand.NewPCG(1, 2))
	ids := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = rng.Int32N(int32(vocabulary))
		}
		return out
	}
	items := make([]core.Item, pairs)
	for i := range items {
		half := tokens / 2
		items[i] = core.Item{Prompt: ids(half), Completions: [][]int32{ids(tokens - half), ids(tokens - half)}}
	}
	return items
}

// rows are those that the model computes in one pass over items.
type rows struct {
	blocks int // through all layers
	head   int // of them, those that a completion token is predicted from
}

// sharedRows computes an item's prompt once. Its last row predicts the first token
// of every completion, and a completion's last token is predicted and not fed.
func sharedRows(items []core.Item) (r rows) {
	for _, it := range items {
		r.blocks += len(it.Prompt)
		r.head++
		for _, c := range it.Completions {
			r.blocks += len(c) - 1
			r.head += len(c) - 1
		}
	}
	return r
}

// plainRows computes the prompt again before each completion.
func plainRows(items []core.Item) (r rows) {
	for _, it := range items {
		for _, c := range it.Completions {
			r.blocks += len(it.Prompt) + len(c) - 1
			r.head += len(c)
		}
	}
	return r
}

// operations is the number of floating-point operations that the weights' products
// take: for scoring a multiplication and an addition a weight and row, for an update
// three times as many. Embeddings are looked up, not multiplied; the scores of
// attention are left out.
func (r rows) operations(a *checkpoint.Architecture, work string) float64 {
	each := 2.0
	if work == update {
		each = 6
	}
	return each * (float64(a.Multiplied())*float64(r.blocks) + float64(a.Head.Size())*float64(r.head))
}
