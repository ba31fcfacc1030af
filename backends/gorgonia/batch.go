package gorgonia

import (
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// A batch is a run of a forest's rows, all of them in training: what the ops read
// beside their inputs.
type batch struct {
	tokens []int32 // by row
	angles []int32 // by row, its row in the rotary table
	pieces []piece
	length int // positions of the longest path in the forest

	targets []prefix.Target // by row
	picked  []int32         // the row of each target; rows where completions part come several times
	ids     []int32         // each target's token

	logp   []float64 // of each target
	argmax []int32   // of its row
	weigh  func(logp []float64, weights []float64) error
}

// A piece is a segment, or the part of it that is in the batch.
type piece struct {
	row    int // of the batch
	rows   int
	start  int // position of the first row
	parent int // index of the piece before it, -1 = none; right where whole segments are in the batch
}

// A slicer cuts a forest into batches.
type slicer struct {
	forest  *prefix.Forest
	angles  func(prefix.Segment) int32 // row of the rotary table for position 0
	segment int                        // that the next row is in
	row     int
	length  int
}

func newSlicer(f *prefix.Forest, angles func(prefix.Segment) int32) *slicer {
	s := &slicer{forest: f, angles: angles}
	for _, seg := range f.Segments {
		s.length = max(s.length, seg.End())
	}
	return s
}

// next fills b with up to limit rows and reports whether there are any.
func (s *slicer) next(b *batch, limit int) bool {
	*b = batch{
		tokens: b.tokens[:0], angles: b.angles[:0], pieces: b.pieces[:0], length: s.length,
		targets: b.targets[:0], picked: b.picked[:0], ids: b.ids[:0], logp: b.logp, argmax: b.argmax, weigh: b.weigh,
	}
	begin := s.row
	for s.row < s.forest.Rows && s.row < begin+limit {
		seg := s.forest.Segments[s.segment]
		from := s.row - seg.Row
		to := min(len(seg.Tokens), from+limit-(s.row-begin))
		s.add(b, seg, from, to, begin)
		s.row += to - from
		if to == len(seg.Tokens) {
			s.segment++
		}
	}
	return s.row > begin
}

// add appends tokens from:to of a segment; begin is the forest's row that is row 0
// of the batch.
func (s *slicer) add(b *batch, seg prefix.Segment, from, to, begin int) {
	b.pieces = append(b.pieces, piece{row: s.row - begin, rows: to - from, start: seg.Start + from, parent: seg.Parent})
	b.tokens = append(b.tokens, seg.Tokens[from:to]...)
	angle := s.angles(seg) + int32(seg.Start)
	for i := from; i < to; i++ {
		b.angles = append(b.angles, angle+int32(i))
	}
	for _, t := range s.forest.Targets(s.segment) {
		if t.Row >= seg.Row+from && t.Row < seg.Row+to {
			b.targets = append(b.targets, t)
			b.picked = append(b.picked, int32(t.Row-begin))
			b.ids = append(b.ids, t.Token)
		}
	}
}

// most is the rows of the largest matrix: with targets in the same row there can
// be more of them than rows.
func (b *batch) most() int { return max(len(b.tokens), len(b.picked)) }

// along calls f with the rows of a piece and its ancestors and their positions.
func (b *batch) along(at int, f func(row, position int)) {
	for ; at >= 0; at = b.pieces[at].parent {
		p := b.pieces[at]
		for i := range p.rows {
			f(p.row+i, p.start+i)
		}
	}
}

// consecutive returns the row of position 0 if a piece and its ancestors lie one
// after the other.
func (b *batch) consecutive(at int) (row int, ok bool) {
	p := b.pieces[at]
	for p.parent >= 0 {
		above := b.pieces[p.parent]
		if above.row+above.rows != p.row {
			return 0, false
		}
		p = above
	}
	return p.row, true
}
