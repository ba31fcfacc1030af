package forecast

import (
	"math/rand/v2"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// The load is that of the forest that the backends plan for items which share
// nothing but their prompts.
func TestLoadIsThePlan(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	next := int32(0)
	tokens := func() []int32 {
		ids := make([]int32, 2+rng.IntN(9)) // one-token completions have no piece, and a load counts them
		for i := range ids {
			ids[i], next = next, next+1
		}
		return ids
	}
	items := make([]core.Item, 5)
	var want Load
	for i := range items {
		items[i].Prompt = tokens()
		for range rng.IntN(4) {
			c := tokens()
			items[i].Completions = append(items[i].Completions, c)
			want.Tokens += len(items[i].Prompt) + len(c)
		}
	}
	f, err := prefix.Plan(items, nil)
	if err != nil {
		t.Fatal(err)
	}
	want.Rows, want.Length, want.Pieces = f.Rows, f.Length(), len(f.Segments)
	scored := map[int]bool{}
	for s, seg := range f.Segments {
		want.Keys += seg.End()
		for i := range seg.Tokens {
			want.Pairs += seg.Start + i + 1
		}
		for _, target := range f.Targets(s) {
			scored[target.Row] = true
			want.Targets++
		}
	}
	want.Scored = len(scored)
	got, err := NewLoad(core.NewWorkload(items))
	if err != nil || got != want {
		t.Errorf("load %+v, error %v; want %+v", got, err, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	for want, shape := range map[string]core.ItemShape{
		"item 0: a prompt of 0 tokens":   {Completions: []int{1}},
		"item 0, completion 1: 0 tokens": {Prompt: 1, Completions: []int{1, 0}},
	} {
		if _, err := NewLoad(core.Workload{MicroBatch: []core.ItemShape{shape}}); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// By hand: one block of one matrix of 6 weights, a head of 10.
func TestOperations(t *testing.T) {
	a := &checkpoint.Architecture{VocabSize: 5, Hidden: 2, Heads: 1, HeadDim: 3, Layers: 1, Blocks: []checkpoint.Block{{
		Query: checkpoint.Linear{Weight: checkpoint.Param{Name: "q", Role: checkpoint.RoleMatrix, Shape: []int{3, 2}}},
	}}}
	l := Load{Rows: 4, Pairs: 7}
	for _, c := range []struct {
		recompute, again bool
		want             float64
	}{
		{false, false, 2*(3*6*4+3*10*2) + 2*7*3*2*3.5},
		{true, false, 2*(4*6*4+3*10*2) + 2*7*3*2*4.5},
		{false, true, 2*(3*6*4+4*10*2) + 2*7*3*2*3.5},
	} {
		if got := l.Operations(a, 2, c.recompute, c.again); got != c.want {
			t.Errorf("%+v: %v operations", c, got)
		}
	}
}
