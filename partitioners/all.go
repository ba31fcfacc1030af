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
	return []core.Step{{Pairs: core.AllPairs(sources)}}, nil
}
