package gorgonia

import (
	"runtime"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// In the steady state a step allocates little, and the same again and again.
func TestSteadyAllocation(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	items := randomItems(1, 8)
	step := func() {
		accumulate(t, m, items, ramp)
		update(t, m, core.Update{LearningRate: 1e-4, Optimizer: optimizers["adamw"]})
	}
	allocated := func() uint64 {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.TotalAlloc
	}
	for range 5 {
		step()
	}
	held := m.arena.held
	before := allocated()
	const steps = 500
	for range steps {
		step()
	}
	each := (allocated() - before) / steps
	t.Logf("%d bytes a step", each)
	if each > 1<<18 {
		t.Errorf("a step allocates %d bytes", each)
	}
	if m.arena.held != held {
		t.Errorf("the arena grew from %d to %d floats", held, m.arena.held)
	}
}
