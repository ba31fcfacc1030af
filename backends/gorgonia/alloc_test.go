package gorgonia

import (
	"maps"
	"math"
	"runtime"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/core"
)

// In the steady state a step allocates little, and the same again and again.
func TestSteadyAllocation(t *testing.T) {
	deep := t.TempDir()
	config := maps.Clone(backendtest.Small)
	maps.Copy(config, map[string]any{ // SmolLM2-135M's layers, a quarter as wide
		"vocab_size": 4096, "hidden_size": 144, "intermediate_size": 384, "num_hidden_layers": 30,
		"num_attention_heads": 9, "num_key_value_heads": 3,
	})
	backendtest.WriteModel(t, deep, config, 0)
	for name, c := range map[string]struct {
		path  string
		items []core.Item
		steps int
		most  uint64 // bytes
	}{
		"tiny, 500 steps": {tiny, randomItems(1, 8), 500, 1 << 18},
		"30 layers":       {deep, backendtest.DenseItems(4, 256, 4096), 4, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) { steadySteps(t, c.path, c.items, c.steps, c.most) })
	}
}

func steadySteps(t *testing.T, path string, items []core.Item, steps int, most uint64) {
	m := open(t, path, core.OpenOptions{Train: true, Options: core.Options{"threads": 2}})
	var stats runtime.MemStats
	var held int64
	least := uint64(math.MaxUint64) // a thread that comes to work later than others makes its buffers later
	for i := range steps {
		runtime.ReadMemStats(&stats)
		before := stats.TotalAlloc
		accumulate(t, m, items, ramp)
		update(t, m, core.Update{LearningRate: 1e-4, Optimizer: backendtest.Optimizers["adamw"]})
		runtime.ReadMemStats(&stats)
		least = min(least, stats.TotalAlloc-before)
		if i == 0 {
			held = m.arena.held
		}
	}
	t.Logf("%d bytes a step", least)
	if least > most {
		t.Errorf("a step allocates %d bytes", least)
	}
	if m.arena.held != held {
		t.Errorf("the arena grew from %d to %d floats", held, m.arena.held)
	}
}
