package partitioners_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
	"github.com/stepwise-dpo/stepwise/partitioners"
)

// TestConformance runs core's suite on every built-in strategy.
func TestConformance(t *testing.T) {
	for name, build := range partitioners.BuiltIn {
		t.Run(name, func(t *testing.T) {
			p, err := build(nil)
			if err != nil {
				t.Fatal(err)
			}
			coretest.TestPartitioner(t, p)
		})
	}
}

// fixed scores the completions of every item with what it has for the item's
// first prompt token.
type fixed map[int32][2]core.Score

func (fixed) Info(context.Context) (core.ModelInfo, error) { return core.ModelInfo{}, nil }

func (fixed) Encode(context.Context, []core.Text, core.EncodeRules) ([]core.Encoded, error) {
	return nil, core.ErrUnsupported
}

func (f fixed) LogProbs(_ context.Context, items []core.Item, _ core.Detail) ([][]core.Score, error) {
	out := make([][]core.Score, len(items))
	for i, item := range items {
		s := f[item.Prompt[0]]
		out[i] = s[:]
	}
	return out, nil
}

func source(name string, prompts ...int32) core.Source {
	s := core.Source{Name: name}
	for _, p := range prompts {
		s.Pairs = append(s.Pairs, core.Pair{PromptIDs: []int32{p}, ChosenIDs: []int32{1}, RejectedIDs: []int32{2}})
	}
	return s
}

// TestEasyToHard: sources by descending share of positive gamma; which score
// was declared decides where they disagree.
func TestEasyToHard(t *testing.T) {
	scorer := fixed{
		// gamma > 0, but not per token: the chosen is shorter.
		1: {{LogProb: -10, Tokens: 2}, {LogProb: -11, Tokens: 10}},
		// gamma < 0, but not per token.
		2: {{LogProb: -30, Tokens: 30}, {LogProb: -20, Tokens: 2}},
		// both positive, by little.
		3: {{LogProb: -1, Tokens: 2}, {LogProb: -1.5, Tokens: 2}},
	}
	sources := []core.Source{source("a", 2, 2, 1), source("b", 1, 1, 3)}
	for _, c := range []struct {
		score string
		want  []int
	}{
		{"gamma-positive", []int{1, 0}},
		{"gamma-positive-per-token", []int{0, 1}},
		{"gamma-mean", []int{1, 0}},
	} {
		p, err := partitioners.BuiltIn["easy-to-hard"](core.Options{"score": c.score})
		if err != nil {
			t.Fatal(err)
		}
		steps, err := p.Partition(context.Background(), sources, scorer)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, s := range steps {
			got = append(got, s.Pairs[0].Source)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: order %v, want %v", c.score, got, c.want)
		}
	}
}

// TestTiesKeepOrder: sources of equal accuracy stay as configured.
func TestTiesKeepOrder(t *testing.T) {
	scorer := fixed{3: {{LogProb: -1, Tokens: 2}, {LogProb: -1.5, Tokens: 2}}}
	p, err := partitioners.BuiltIn["easy-to-hard"](nil)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := p.Partition(context.Background(), []core.Source{source("x", 3), source("y", 3), source("z", 3)}, scorer)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range steps {
		if s.Pairs[0].Source != i {
			t.Errorf("step %d is source %d", i+1, s.Pairs[0].Source)
		}
	}
}

// TestRandom: every pair once, steps of equal size, another seed another deal.
func TestRandom(t *testing.T) {
	sources := []core.Source{source("a", make([]int32, 7)...), source("b", make([]int32, 4)...)}
	deal := func(seed int) []core.Step {
		p, err := partitioners.BuiltIn["random"](core.Options{"steps": 3, "seed": seed})
		if err != nil {
			t.Fatal(err)
		}
		steps, err := p.Partition(context.Background(), sources, nil)
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
	seen := map[core.PairRef]bool{}
	for _, s := range deal(1) {
		if n := len(s.Pairs); n < 3 || n > 4 {
			t.Errorf("a step of %d pairs", n)
		}
		for _, r := range s.Pairs {
			seen[r] = true
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d pairs dealt, want 11", len(seen))
	}
	if slices.Equal(deal(1)[0].Pairs, deal(2)[0].Pairs) {
		t.Error("seeds 1 and 2 deal alike")
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name    string
		options core.Options
		want    string
	}{
		{"easy-to-hard", core.Options{"score": "length"}, "gamma-positive"},
		{"random", core.Options{"steps": 0}, "steps"},
		{"random", core.Options{"step": 2}, `"step"`},
		{"all", core.Options{"steps": 1}, `"steps"`},
		{"given", core.Options{"x": 1}, `"x"`},
	} {
		if _, err := partitioners.BuiltIn[c.name](c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: error %v, want one with %q", c.name, c.options, err, c.want)
		}
	}
	p, err := partitioners.BuiltIn["random"](core.Options{"steps": 9})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Partition(context.Background(), []core.Source{source("a", 1, 2)}, nil); err == nil || !strings.Contains(err.Error(), "only 2 pairs") {
		t.Errorf("nine steps of two pairs: %v", err)
	}
}
