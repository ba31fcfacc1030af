package partitioners

import (
	"context"

	"github.com/stepwise-dpo/stepwise/core"
)

// given makes one step a source, in the configuration's order.
type given struct{}

func newGiven(o core.Options) (core.Partitioner, error) {
	return given{}, o.Decode(&struct{}{})
}

func (given) Partition(_ context.Context, sources []core.Source, _ core.Scorer) ([]core.Step, error) {
	steps := make([]core.Step, len(sources))
	for i := range sources {
		steps[i].Pairs = core.WholeSource(sources, i)
	}
	return steps, nil
}
