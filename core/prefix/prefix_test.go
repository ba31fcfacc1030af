package prefix_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

func plan(t *testing.T, items []core.Item, alone func(int) bool) *prefix.Forest {
	t.Helper()
	f, err := prefix.Plan(items, alone)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPairSharesItsPrompt(t *testing.T) {
	f := plan(t, []core.Item{{Prompt: []int32{1, 2, 3}, Completions: [][]int32{{4, 5, 6}, {4, 7}}}}, nil)
	want := []prefix.Segment{
		{Tokens: []int32{1, 2, 3}, Parent: -1, Start: 0, Row: 0},
		{Tokens: []int32{4, 5}, Parent: 0, Start: 3, Row: 3}, // {4, 7} is fed {4}
	}
	if len(f.Segments) != len(want) {
		t.Fatalf("segments %+v, want %+v", f.Segments, want)
	}
	for i, s := range f.Segments {
		w := want[i]
		if !slices.Equal(s.Tokens, w.Tokens) || s.Parent != w.Parent || s.Start != w.Start || s.Row != w.Row {
			t.Errorf("segment %d is %+v, want %+v", i, s, w)
		}
	}
	if got, want := f.Counts, (prefix.Counts{Naive: 9, Grouped: 9, Shared: 5}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

// One-token completions cost nothing beside their prompt, as in lm-eval.
func TestLettersShareOneInput(t *testing.T) {
	letters := [][]int32{{7}, {8}, {9}, {10}}
	f := plan(t, []core.Item{{Prompt: []int32{1, 2, 3}, Completions: letters}, {Prompt: []int32{1, 2, 4}, Completions: letters}}, nil)
	if got, want := f.Counts, (prefix.Counts{Naive: 24, Grouped: 6, Shared: 4}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func TestAloneSharesNothing(t *testing.T) {
	items := []core.Item{{Prompt: []int32{1, 2}, Completions: [][]int32{{3}, {3, 4, 5}, {3, 4, 6}}}}
	f := plan(t, items, func(length int) bool { return length > 4 })
	verify(t, f, items)
	if f.Counts.Shared != 2+4+4 {
		t.Errorf("%d rows, want 10: the two long sequences alone", f.Counts.Shared)
	}
	for _, s := range f.Segments {
		if s.Length != 0 && s.Length != 5 {
			t.Errorf("segment %+v: length %d, want 5 or 0", s, s.Length)
		}
	}
}

func TestEmptyIsAnError(t *testing.T) {
	good := core.Item{Prompt: []int32{1}, Completions: [][]int32{{2}}}
	for _, c := range []struct {
		item core.Item
		want string
	}{
		{core.Item{Completions: [][]int32{{1}}}, "item 1: the prompt has no token"},
		{core.Item{Prompt: []int32{1}, Completions: [][]int32{{1}, {}}}, "item 1: completion 1 has no token"},
	} {
		_, err := prefix.Plan([]core.Item{good, c.item}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestRandomItems checks every property of the plan against the items: few
// distinct tokens make sequences meet, end inside and split one another.
func TestRandomItems(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		items := randomItems(rng, 1+rng.IntN(8), 3)
		f := plan(t, items, nil)
		verify(t, f, items)
		if got, want := f.Rows, distinctPrefixes(items); got != want {
			t.Fatalf("%d rows, %d distinct prefixes, of %v", got, want, items)
		}
		verify(t, plan(t, items, func(length int) bool { return length%3 == 0 }), items)
	}
}

func randomItems(rng *rand.Rand, n, vocabulary int) []core.Item {
	tokens := func() []int32 {
		s := make([]int32, 1+rng.IntN(6))
		for i := range s {
			s[i] = int32(rng.IntN(vocabulary))
		}
		return s
	}
	items := make([]core.Item, n)
	for i := range items {
		items[i].Prompt = tokens()
		for range rng.IntN(4) {
			items[i].Completions = append(items[i].Completions, tokens())
		}
	}
	return items
}

// distinctPrefixes counts, by brute force, the distinct beginnings of the fed sequences.
func distinctPrefixes(items []core.Item) int {
	seen := map[string]bool{}
	for _, item := range items {
		for _, c := range item.Completions {
			fed := slices.Concat(item.Prompt, c[:len(c)-1])
			var key strings.Builder
			for _, id := range fed {
				key.WriteRune(rune('a' + id))
				seen[key.String()] = true
			}
		}
	}
	return len(seen)
}

// verify walks from each target up to its root and compares with the items.
func verify(t *testing.T, f *prefix.Forest, items []core.Item) {
	t.Helper()
	rows := 0
	for i, s := range f.Segments {
		if s.Row != rows || len(s.Tokens) == 0 || s.Parent >= i {
			t.Fatalf("segment %d: %+v", i, s)
		}
		if s.Parent >= 0 && f.Segments[s.Parent].End() != s.Start || s.Parent < 0 && s.Start != 0 {
			t.Fatalf("segment %d does not go on where its parent ends: %+v", i, s)
		}
		rows += len(s.Tokens)
	}
	if rows != f.Rows {
		t.Fatalf("%d rows, segments hold %d", f.Rows, rows)
	}
	verifyTargets(t, f, items)
}

func verifyTargets(t *testing.T, f *prefix.Forest, items []core.Item) {
	t.Helper()
	type sequence struct{ prompt, completion []int32 }
	var all []sequence
	tokens := 0
	for _, item := range items {
		for _, c := range item.Completions {
			all = append(all, sequence{item.Prompt, c})
			tokens += len(c)
		}
	}
	next := make([]int, len(all))
	row := 0
	for s := range f.Segments {
		for _, target := range f.Targets(s) {
			tokens--
			q := all[target.Completion]
			if target.Row < row || target.Index != next[target.Completion] || target.Token != q.completion[target.Index] {
				t.Fatalf("target %+v out of order or wrong", target)
			}
			row = target.Row
			next[target.Completion]++
			want := slices.Concat(q.prompt, q.completion[:target.Index])
			if got := path(f, s, target.Row); !slices.Equal(got, want) {
				t.Fatalf("target %+v is predicted after %v, want %v", target, got, want)
			}
		}
	}
	if tokens != 0 {
		t.Fatalf("%d tokens have no target", tokens)
	}
}

// path returns the tokens from the root to a row.
func path(f *prefix.Forest, s, row int) []int32 {
	seg := f.Segments[s]
	tokens := slices.Clone(seg.Tokens[:row-seg.Row+1])
	for seg.Parent >= 0 {
		seg = f.Segments[seg.Parent]
		tokens = slices.Concat(seg.Tokens, tokens)
	}
	return tokens
}

// BenchmarkPlan plans 2,000 questions of 1,000 tokens behind a common preamble, with four
// completions each.
func BenchmarkPlan(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	preamble := make([]int32, 800)
	items := make([]core.Item, 2000)
	naive := 0
	for i := range items {
		prompt := slices.Clone(preamble)
		for range 200 {
			prompt = append(prompt, int32(rng.IntN(50000)))
		}
		items[i] = core.Item{Prompt: prompt, Completions: [][]int32{{1, 2, 3}, {1, 3}, {4}, {5, 6}}}
		naive += 4*len(prompt) + 4
	}
	b.SetBytes(int64(naive) * 4)
	for b.Loop() {
		if _, err := prefix.Plan(items, nil); err != nil {
			b.Fatal(err)
		}
	}
}
