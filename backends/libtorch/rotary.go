//go:build libtorch

package libtorch

import (
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// A rotary is the table of angles by position: those that all sequences share,
// then those of sequences whose length changes them.
type rotary struct {
	half     int // angles of a position
	cos, sin []float32
	shared   int         // positions that all share
	of       map[int]int // first row of the angles of a length; 0 = the shared
}

// cover makes the tables that a forest needs, unless they are there.
func (t *rotary) cover(r checkpoint.RoPE, f *prefix.Forest) {
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
	*t = rotary{half: r.Dim / 2, of: map[int]int{}, shared: max(shared, t.shared)}
	t.add(r, 0, t.shared)
	for _, s := range f.Segments {
		if _, ok := t.of[s.Length]; !ok {
			t.add(r, s.Length, s.Length)
		}
	}
}

func (t *rotary) add(r checkpoint.RoPE, key, length int) {
	cos, sin := r.Table(length)
	t.of[key] = len(t.cos) / t.half
	t.cos, t.sin = append(t.cos, cos...), append(t.sin, sin...)
}

func (t *rotary) row(s prefix.Segment) int { return t.of[s.Length] }

// rows returns cos and sin of the angles of rows of the table.
func (t *rotary) rows(angles []int) (cos, sin []float32) {
	cos, sin = make([]float32, 0, len(angles)*t.half), make([]float32, 0, len(angles)*t.half)
	for _, a := range angles {
		cos = append(cos, t.cos[a*t.half:(a+1)*t.half]...)
		sin = append(sin, t.sin[a*t.half:(a+1)*t.half]...)
	}
	return cos, sin
}
