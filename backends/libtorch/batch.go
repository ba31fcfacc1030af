//go:build libtorch

package libtorch

import (
	"slices"

	"github.com/stepwise-dpo/stepwise/backends/internal/rotary"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// A batch is a run of a forest's rows, all of them in training.
type batch struct {
	prefix.Batch
	angles []int32 // by row, its row in the rotary table
	next   path    // to the row after the batch: whose keys that row attends to

	scored []int64 // rows that predict something, in order
	first  []int   // of each of them, the index of its first target; one more at the end
}

// A path is what lies before a row in its sequences: positions of earlier batches,
// then pieces of this one.
type path struct {
	past   int
	pieces []int
}

// newBatch takes up to limit rows of a forest whose angles are in the table.
func newBatch(f *prefix.Forest, t *rotary.Table, row, limit int) *batch {
	b := &batch{}
	b.Take(f, row, limit)
	b.angles = t.Rows(nil, f, &b.Batch)
	for i, target := range b.Targets {
		at := int64(target.Row)
		if n := len(b.scored); n == 0 || b.scored[n-1] != at {
			b.scored = append(b.scored, at)
			b.first = append(b.first, i)
		}
	}
	b.first = append(b.first, len(b.Targets))
	if row+len(b.Tokens) < f.Rows {
		b.next = b.following(f)
	}
	return b
}

// following returns the path to the row that comes after the batch.
func (b *batch) following(f *prefix.Forest) path {
	last := len(b.Pieces) - 1
	p := b.Pieces[last]
	if p.End() < f.Segments[p.Segment].End() {
		return b.path(last, p.End())
	}
	next := f.Segments[p.Segment+1]
	return b.path(b.Piece(next.Parent), next.Start)
}

// path returns the pieces up to a piece, itself included; at may be -1 for what
// lies before the position start alone.
func (b *batch) path(at, start int) path {
	p := path{past: start}
	for ; at >= 0; at = b.Pieces[at].Parent {
		p.pieces = append(p.pieces, at)
		p.past = b.Pieces[at].Start
	}
	slices.Reverse(p.pieces)
	return p
}
