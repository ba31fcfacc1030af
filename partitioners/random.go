package partitioners

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/stepwise-dpo/stepwise/core"
)

// random deals all pairs into steps of equal size, give or take one.
type random struct {
	Steps int   `json:"steps"`
	Seed  int64 `json:"seed"`
}

func newRandom(o core.Options) (core.Partitioner, error) {
	r := random{Steps: 2, Seed: 42}
	if err := o.Decode(&r); err != nil {
		return nil, err
	}
	if r.Steps < 1 {
		return nil, fmt.Errorf(`option "steps" must be at least 1, not %d`, r.Steps)
	}
	return r, nil
}

func (r random) Partition(_ context.Context, sources []core.Source, _ core.Scorer) ([]core.Step, error) {
	refs := core.AllPairs(sources)
	if r.Steps > len(refs) {
		return nil, fmt.Errorf(`option "steps" is %d, but there are only %d pairs`, r.Steps, len(refs))
	}
	rng := rand.New(rand.NewPCG(uint64(r.Seed), 0))
	rng.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
	steps := make([]core.Step, r.Steps)
	for t := range steps {
		steps[t].Pairs = refs[t*len(refs)/r.Steps : (t+1)*len(refs)/r.Steps]
	}
	return steps, nil
}
