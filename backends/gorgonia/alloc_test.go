package gorgonia

import (
	"maps"
	"runtime"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// In the steady state a step allocates little, and the same again and again.
func TestSteadyAllocation(t *testing.T) {
	deep := t.TempDir()
	config := maps.Clone(small)
	maps.Copy(config, map[string]any{ // SmolLM2-135M's layers, a quarter as wide
		"vocab_size": 4096, "hidden_size": 144, "intermediate_size": 384, "num_hidden_layers": 30,
		"num_attention_heads": 9, "num_key_value_heads": 3,
	})
	makeModel(t, deep, config)
	for name, c := range map[string]struct {
		path  string
		items []core.Item
		steps int
		most  uint64 // bytes
	}{
		"tiny, 500 steps": {tiny, randomItems(1, 8), 500, 1 << 18},
		"30 layers":       {deep, denseItems(4, 256, 4096), 3, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) { steadySteps(t, c.path, c.items, c.steps, c.most) })
	}
}

func steadySteps(t *testing.T, path string, items []core.Item, steps int, most uint64) {
	m := open(t, path, core.OpenOptions{Train: true, Options: core.Options{"threads": 2}})
	run := func(steps int) {
		for range steps {
			accumulate(t, m, items, ramp)
			update(t, m, core.Update{LearningRate: 1e-4, Optimizer: optimizers["adamw"]})
		}
	}
	allocated := func() uint64 {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.TotalAlloc
	}
	run(1 + steps/100)
	held, before := m.arena.held, allocated()
	run(steps)
	each := (allocated() - before) / uint64(steps)
	t.Logf("%d bytes a step", each)
	if each > most {
		t.Errorf("a step allocates %d bytes", each)
	}
	if m.arena.held != held {
		t.Errorf("the arena grew from %d to %d floats", held, m.arena.held)
	}
}
