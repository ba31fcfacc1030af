// Package backendtest is what the backends' tests share: items, models and numbers
// of other programs that every backend must give.
package backendtest

import (
	"math/rand/v2"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
)

// RandomItems makes items whose prompts often begin alike, of ids below a limit.
func RandomItems(seed uint64, n, limit int) []core.Item {
	rng := rand.New(rand.NewPCG(seed, 0))
	preamble := tokens(rng, 20, limit)
	items := make([]core.Item, n)
	for i := range items {
		items[i].Prompt = append(slices.Clone(preamble[:rng.IntN(20)]), tokens(rng, 1+rng.IntN(6), limit)...)
		for range 1 + rng.IntN(4) {
			items[i].Completions = append(items[i].Completions, tokens(rng, 1+rng.IntN(9), limit))
		}
	}
	return items
}

// DenseItems makes sequences of random ids of which every token is scored and none
// shared, as PyTorch computes a batch.
func DenseItems(n, length, vocabulary int) []core.Item {
	rng := rand.New(rand.NewPCG(1, 2))
	items := make([]core.Item, n)
	for i := range items {
		ids := tokens(rng, length+1, vocabulary)
		items[i] = core.Item{Prompt: ids[:1], Completions: [][]int32{ids[1:]}}
	}
	return items
}

// itemsOf makes items of given shapes, of random ids below a limit.
func itemsOf(shapes []core.ItemShape, limit int) []core.Item {
	rng := rand.New(rand.NewPCG(1, 1))
	items := make([]core.Item, len(shapes))
	for i, s := range shapes {
		items[i].Prompt = tokens(rng, s.Prompt, limit)
		for _, c := range s.Completions {
			items[i].Completions = append(items[i].Completions, tokens(rng, c, limit))
		}
	}
	return items
}

func tokens(rng *rand.Rand, n, limit int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(rng.IntN(limit))
	}
	return ids
}

// DPOWeights is a core.GradFunc of weights of the size that DPO's have.
func DPOWeights(scores [][]core.Score) ([][]float64, error) {
	weights := make([][]float64, len(scores))
	for i, s := range scores {
		for j := range s {
			weights[i] = append(weights[i], 0.05*float64(2*j-1)/float64(len(scores)))
		}
	}
	return weights, nil
}

// Optimizers are torch's, by name, with a decay that shows.
var Optimizers = map[string]core.Optimizer{
	"adamw":   {Name: "adamw", Beta1: .9, Beta2: .999, Epsilon: 1e-8, WeightDecay: .1},
	"rmsprop": {Name: "rmsprop", Alpha: .99, Epsilon: 1e-8, WeightDecay: .1},
}
