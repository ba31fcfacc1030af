// Package rotary keeps the angles that the sequences at hand are rotated by.
package rotary

import (
	"fmt"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// A Table is the angles by position: those that all sequences share, then those of
// sequences whose length changes them. It grows as forests need.
type Table struct {
	Half     int       // angles of a position
	Cos, Sin []float32 // [rows, Half]

	shared int         // positions that all share
	of     map[int]int // first row of the angles of a length; 0 = the shared
}

// Plan checks items against an architecture's vocabulary, plans their forest and
// makes the angles for it.
func (t *Table) Plan(a *checkpoint.Architecture, items []core.Item) (*prefix.Forest, error) {
	for i, item := range items {
		if err := item.Check(a.VocabSize); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	f, err := prefix.Plan(items, a.RoPE.LengthDependent)
	if err != nil {
		return nil, err
	}
	t.cover(a.RoPE, f)
	return f, nil
}

// Rows appends to rows, for each row of a batch of f, that of the table.
func (t *Table) Rows(rows []int32, f *prefix.Forest, b *prefix.Batch) []int32 {
	for _, p := range b.Pieces {
		first := t.of[f.Segments[p.Segment].Length] + p.Start
		for i := range p.Rows {
			rows = append(rows, int32(first+i))
		}
	}
	return rows
}

// cover makes the angles that a forest needs, unless they are there.
func (t *Table) cover(r checkpoint.RoPE, f *prefix.Forest) {
	shared, missing := 0, false
	for _, s := range f.Segments {
		if s.Length == 0 {
			shared = max(shared, s.End())
		} else if _, ok := t.of[s.Length]; !ok {
			missing = true
		}
	}
	if !missing && shared <= t.shared {
		return
	}
	*t = Table{Half: r.Dim / 2, of: map[int]int{}, shared: max(shared, t.shared)}
	t.add(r, 0, t.shared)
	for _, s := range f.Segments {
		if _, ok := t.of[s.Length]; !ok {
			t.add(r, s.Length, s.Length)
		}
	}
}

func (t *Table) add(r checkpoint.RoPE, key, length int) {
	cos, sin := r.Table(length)
	t.of[key] = len(t.Cos) / t.Half
	t.Cos, t.Sin = append(t.Cos, cos...), append(t.Sin, sin...)
}
