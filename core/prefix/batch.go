package prefix

import "slices"

// A Batch is a run of a forest's rows: what a backend computes at a time.
type Batch struct {
	Tokens  []int32 // by row
	Pieces  []Piece
	Targets []Target // by row, counted from the batch's first
}

// A Piece is a segment, or the part of it that is in the batch.
type Piece struct {
	Segment   int // of the forest
	Row, Rows int // of the batch
	Start     int // position of the first row
	Parent    int // index of the piece that its first row follows in its sequences; -1 = not in the batch
}

// End returns the position after the piece's last row.
func (p Piece) End() int { return p.Start + p.Rows }

// Take fills the batch with the rows of f from row on, up to limit of them, in the
// memory that it holds. Rows of one batch after the other are all of f's.
func (b *Batch) Take(f *Forest, row, limit int) {
	b.Tokens, b.Pieces, b.Targets = b.Tokens[:0], b.Pieces[:0], b.Targets[:0]
	end := min(f.Rows, row+limit)
	for at, s := row, f.segment(row); at < end; s++ {
		seg := &f.Segments[s]
		from, to := at-seg.Row, min(len(seg.Tokens), end-seg.Row)
		parent := -1
		if from == 0 {
			parent = b.Piece(seg.Parent)
		}
		b.Pieces = append(b.Pieces, Piece{Segment: s, Row: at - row, Rows: to - from, Start: seg.Start + from, Parent: parent})
		b.Tokens = append(b.Tokens, seg.Tokens[from:to]...)
		for _, t := range f.Targets(s) {
			if t.Row >= at && t.Row < seg.Row+to {
				t.Row -= row
				b.Targets = append(b.Targets, t)
			}
		}
		at = seg.Row + to
	}
}

// Piece returns the index of a segment's piece, -1 where it is not in the batch.
func (b *Batch) Piece(segment int) int {
	if len(b.Pieces) == 0 {
		return -1
	}
	at := segment - b.Pieces[0].Segment
	if at < 0 || at >= len(b.Pieces) {
		return -1
	}
	return at
}

// segment returns the index of the segment that holds a row.
func (f *Forest) segment(row int) int {
	after, _ := slices.BinarySearchFunc(f.Segments, row+1, func(s Segment, row int) int { return s.Row - row })
	return after - 1
}

// Length returns the number of positions of the longest path.
func (f *Forest) Length() int {
	length := 0
	for _, s := range f.Segments {
		length = max(length, s.End())
	}
	return length
}
