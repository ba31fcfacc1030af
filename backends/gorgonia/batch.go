package gorgonia

import (
	"github.com/stepwise-dpo/stepwise/backends/internal/rotary"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// A batch is a run of a forest's rows, all of them in training: what the ops read
// beside their inputs.
type batch struct {
	prefix.Batch
	angles []int32 // by row, its row in the rotary table
	length int     // positions of the longest path in the forest

	picked []int32 // the row of each target; rows where completions part come several times
	ids    []int32 // each target's token

	logp   []float64 // of each target
	argmax []int32   // of its row
	weigh  func(logp []float64, weights []float64) error
}

// take fills the batch with rows of a forest whose angles are in the table.
func (b *batch) take(f *prefix.Forest, t *rotary.Table, row, limit int) {
	b.Take(f, row, limit)
	b.angles = t.Rows(b.angles[:0], f, &b.Batch)
	b.picked, b.ids = b.picked[:0], b.ids[:0]
	for _, target := range b.Targets {
		b.picked = append(b.picked, int32(target.Row))
		b.ids = append(b.ids, target.Token)
	}
}

// most is the rows of the largest matrix: with targets in the same row there can
// be more of them than rows.
func (b *batch) most() int { return max(len(b.Tokens), len(b.picked)) }

// addTo adds what was computed of the batch's targets to the scores.
func (b *batch) addTo(scores *prefix.Scores) {
	for i, t := range b.Targets {
		scores.Add(t, b.logp[i], b.argmax[i] == t.Token)
	}
}

// along calls f with the rows of a piece and its ancestors and their positions.
func (b *batch) along(at int, f func(row, position int)) {
	for ; at >= 0; at = b.Pieces[at].Parent {
		p := b.Pieces[at]
		for i := range p.Rows {
			f(p.Row+i, p.Start+i)
		}
	}
}

// consecutive returns the row of position 0 if a piece and its ancestors lie one
// after the other.
func (b *batch) consecutive(at int) (row int, ok bool) {
	p := b.Pieces[at]
	for p.Parent >= 0 {
		above := b.Pieces[p.Parent]
		if above.Row+above.Rows != p.Row {
			return 0, false
		}
		p = above
	}
	return p.Row, true
}
