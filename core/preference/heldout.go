package preference

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/stepwise-dpo/stepwise/core"
)

// holdOut chooses the pairs to hold out, at random by the seed and the source's
// name: the fraction's number of them to the nearest, at least one where the
// fraction is not 0, never all. Pairs with the same prompt stay on one side, so
// that the held-out ones are new to the model; a prompt with many pairs may
// leave the number a little short.
func holdOut(pairs []core.Pair, s Spec, seed int64) []bool {
	out := make([]bool, len(pairs))
	if s.EvalFraction == 0 || len(pairs) < 2 {
		return out
	}
	want := int(math.Round(s.EvalFraction * float64(len(pairs))))
	want = min(max(want, 1), len(pairs)-1)

	groups := promptGroups(pairs)
	random := rand.New(rand.NewPCG(uint64(seed), nameHash(s.Name)))
	random.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	for _, group := range groups {
		if len(group) > want {
			continue
		}
		want -= len(group)
		for _, i := range group {
			out[i] = true
		}
	}
	return out
}

// promptGroups returns the indices of the pairs of each prompt, in the order of
// their first pairs.
func promptGroups(pairs []core.Pair) [][]int {
	index := map[digest]int{}
	var groups [][]int
	for i, p := range pairs {
		d := promptDigest(p)
		g, ok := index[d]
		if !ok {
			g = len(groups)
			index[d] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

func nameHash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
