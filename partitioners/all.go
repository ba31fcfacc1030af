package partitioners

import (
	"context"

	"github.com/stepwise-dpo/stepwise/core"
)

// all is plain DPO: one step with every pair.
type all struct{}

func newAll(o core.Options) (core.Partitioner, error) {
	return all{}, o.Decode(&struct{}{})
}

func (all) Partition(_ context.Context, sources []core.Source, _ core.Scorer) ([]core.Step, error) {
	return []core.Step{{Pairs: everyPair(sources)}}, nil
}

// everyPair lists the pairs of all sources, source by source.
func everyPair(sources []core.Source) []core.PairRef {
	var refs []core.PairRef
	for i := range sources {
		refs = append(refs, core.WholeSource(sources, i)...)
	}
	return refs
}
