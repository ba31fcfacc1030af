package prefix_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// Batches of any size hold every row and target once and in order, and a row's
// position and its predecessor are those of the forest.
func TestBatches(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var b prefix.Batch
	for range 100 {
		f := plan(t, randomItems(rng, 1+rng.IntN(8), 3), nil)
		for _, limit := range []int{1, 2, 3, 7, f.Rows + 1} {
			var tokens, want []int32
			targets := 0
			for row := 0; row < f.Rows; row += len(b.Tokens) {
				b.Take(f, row, limit)
				tokens = append(tokens, b.Tokens...)
				targets += verifyBatch(t, f, &b, row, limit)
			}
			for s, seg := range f.Segments {
				want = append(want, seg.Tokens...)
				targets -= len(f.Targets(s))
			}
			if !slices.Equal(tokens, want) || targets != 0 {
				t.Fatalf("limit %d: tokens %v, want %v; %d targets too many", limit, tokens, want, targets)
			}
		}
	}
}

// verifyBatch checks a batch that begins with a row of f and returns its targets.
func verifyBatch(t *testing.T, f *prefix.Forest, b *prefix.Batch, row, limit int) int {
	t.Helper()
	rows := 0
	for i, p := range b.Pieces {
		seg := f.Segments[p.Segment]
		from := row + p.Row - seg.Row
		parent := -1
		if from == 0 && seg.Parent >= b.Pieces[0].Segment {
			parent = seg.Parent - b.Pieces[0].Segment
		}
		if p.Row != rows || p.Rows < 1 || p.Start != seg.Start+from || p.Parent != parent || b.Piece(p.Segment) != i {
			t.Fatalf("piece %d of rows from %d is %+v", i, row, p)
		}
		if !slices.Equal(b.Tokens[p.Row:p.Row+p.Rows], seg.Tokens[from:from+p.Rows]) {
			t.Fatalf("piece %+v has other tokens than its segment", p)
		}
		rows += p.Rows
	}
	if rows != len(b.Tokens) || rows != min(limit, f.Rows-row) {
		t.Fatalf("pieces hold %d rows, the batch %d; limit %d of %d", rows, len(b.Tokens), limit, f.Rows-row)
	}
	last := 0
	for _, target := range b.Targets {
		if target.Row < last || target.Row >= rows {
			t.Fatalf("target %+v of %d rows", target, rows)
		}
		last = target.Row
	}
	return len(b.Targets)
}

func TestPieceOfOtherBatch(t *testing.T) {
	var b prefix.Batch
	if b.Piece(0) != -1 || b.Piece(-1) != -1 {
		t.Error("an empty batch has a piece")
	}
}
