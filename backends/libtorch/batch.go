//go:build libtorch

package libtorch

import "github.com/stepwise-dpo/stepwise/core/prefix"

// A batch is a run of a forest's rows, all of them in training.
type batch struct {
	tokens []int64 // by row
	angles []int   // by row, its row in the rotary table
	pieces []piece
	next   path // to the row after the batch: whose keys that row attends to

	scored  []int64         // rows that predict something, in order
	first   []int           // of each of them, the index of its first target; one more at the end
	targets []prefix.Target // by row
}

// A piece is a segment, or the part of it that is in the batch.
type piece struct {
	row, rows int
	start     int // position of the first row
	parent    int // index of the piece before it in its sequences, -1 = not in the batch
}

// A path is what lies before a row in its sequences: positions of earlier batches,
// then pieces of this one.
type path struct {
	past   int
	pieces []int
}

// path returns the pieces up to a piece, itself included; at may be -1 for what
// lies before the position start alone.
func (b *batch) path(at, start int) path {
	p := path{past: start}
	for ; at >= 0; at = b.pieces[at].parent {
		p.pieces = append(p.pieces, at)
		p.past = b.pieces[at].start
	}
	for i, j := 0, len(p.pieces)-1; i < j; i, j = i+1, j-1 {
		p.pieces[i], p.pieces[j] = p.pieces[j], p.pieces[i]
	}
	return p
}

// A slicer cuts a forest into batches.
type slicer struct {
	forest  *prefix.Forest
	angles  func(prefix.Segment) int // row of the rotary table for position 0
	segment int                      // that the next row is in
	row     int
}

// next returns a batch of up to limit rows, nil at the end.
func (s *slicer) next(limit int) *batch {
	if s.row == s.forest.Rows {
		return nil
	}
	b := &batch{}
	begin := s.row
	last := map[int]int{} // of each segment in the batch, its piece
	for s.row < s.forest.Rows && s.row < begin+limit {
		seg := s.forest.Segments[s.segment]
		from := s.row - seg.Row
		to := min(len(seg.Tokens), from+limit-(s.row-begin))
		parent := -1
		if i, ok := last[seg.Parent]; ok && from == 0 {
			parent = i
		}
		last[s.segment] = len(b.pieces)
		b.pieces = append(b.pieces, piece{row: s.row - begin, rows: to - from, start: seg.Start + from, parent: parent})
		s.add(b, from, to, begin)
		s.row += to - from
		if to == len(seg.Tokens) {
			s.segment++
		}
	}
	b.first = append(b.first, len(b.targets))
	if s.row < s.forest.Rows {
		b.next = s.before(b, last)
	}
	return b
}

// before returns the path to the row that comes next.
func (s *slicer) before(b *batch, last map[int]int) path {
	seg := s.forest.Segments[s.segment]
	at := s.segment
	if s.row == seg.Row {
		at = seg.Parent
	}
	i, ok := last[at]
	if !ok {
		i = -1
	}
	return b.path(i, seg.Start+s.row-seg.Row)
}

// add appends tokens from:to of the segment at hand; begin is the forest's row
// that is row 0 of the batch.
func (s *slicer) add(b *batch, from, to, begin int) {
	seg := s.forest.Segments[s.segment]
	angle := s.angles(seg) + seg.Start
	for i := from; i < to; i++ {
		b.tokens = append(b.tokens, int64(seg.Tokens[i]))
		b.angles = append(b.angles, angle+i)
	}
	for _, t := range s.forest.Targets(s.segment) {
		if t.Row < seg.Row+from || t.Row >= seg.Row+to {
			continue
		}
		row := int64(t.Row - begin)
		if n := len(b.scored); n == 0 || b.scored[n-1] != row {
			b.scored = append(b.scored, row)
			b.first = append(b.first, len(b.targets))
		}
		b.targets = append(b.targets, t)
	}
}
