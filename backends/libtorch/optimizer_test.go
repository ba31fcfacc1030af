//go:build libtorch

package libtorch

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

var optimizers = map[string]core.Optimizer{
	"adamw":   {Name: "adamw", Beta1: .9, Beta2: .999, Epsilon: 1e-8, WeightDecay: .1},
	"rmsprop": {Name: "rmsprop", Alpha: .99, Epsilon: 1e-8, WeightDecay: .1},
}

func accumulate(t testing.TB, m *Model, items []core.Item, grad core.GradFunc) {
	t.Helper()
	if err := m.Accumulate(background, items, grad); err != nil {
		t.Fatal(err)
	}
}

func update(t testing.TB, m *Model, u core.Update) core.UpdateStats {
	t.Helper()
	stats, err := m.Update(background, u)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}
