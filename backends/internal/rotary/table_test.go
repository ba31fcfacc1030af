package rotary

import (
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

func item(prompt int, completions ...int) core.Item {
	it := core.Item{Prompt: make([]int32, prompt)}
	for i, n := range completions {
		c := make([]int32, n)
		c[0] = int32(i + 1)
		it.Completions = append(it.Completions, c)
	}
	return it
}

// Each row of a batch has the angles of its position in a sequence of its length,
// whichever forests came before.
func TestRows(t *testing.T) {
	a := &checkpoint.Architecture{VocabSize: 9, RoPE: checkpoint.RoPE{
		Type: "dynamic", Dim: 8, Theta: 1e4, MaxPositions: 16, Factor: 2, AttentionFactor: 1,
	}}
	var table Table
	for _, items := range [][]core.Item{
		{item(3, 4, 2)}, {item(5, 30, 7, 20)}, {item(2, 2)}, {item(9, 6, 40), item(1, 12)},
	} {
		f, err := table.Plan(a, items)
		if err != nil {
			t.Fatal(err)
		}
		var b prefix.Batch
		for row := 0; row < f.Rows; row += len(b.Tokens) {
			b.Take(f, row, 7)
			verify(t, a.RoPE, &table, f, &b)
		}
	}
}

func verify(t *testing.T, r checkpoint.RoPE, table *Table, f *prefix.Forest, b *prefix.Batch) {
	t.Helper()
	rows := table.Rows(nil, f, b)
	for _, p := range b.Pieces {
		length := max(f.Segments[p.Segment].Length, p.End())
		cos, sin := r.Table(length)
		for i := range p.Rows {
			at, want := int(rows[p.Row+i])*table.Half, (p.Start+i)*table.Half
			if !slices.Equal(table.Cos[at:at+table.Half], cos[want:want+table.Half]) ||
				!slices.Equal(table.Sin[at:at+table.Half], sin[want:want+table.Half]) {
				t.Fatalf("position %d of a sequence of %d has other angles", p.Start+i, length)
			}
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	a := &checkpoint.Architecture{VocabSize: 2, RoPE: checkpoint.RoPE{Type: "default", Dim: 4, Theta: 1e4, AttentionFactor: 1}}
	var table Table
	_, err := table.Plan(a, []core.Item{item(1, 1), item(1, 1, 1)})
	if want := "item 1: completion 1: token id 2 is outside of the vocabulary of 2"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	f, err := table.Plan(a, nil)
	if err != nil || f.Rows != 0 {
		t.Errorf("forest %+v of nothing, error %v", f, err)
	}
}
