package logits

import "testing"

func TestRows(t *testing.T) {
	b := Budget{Keep: 100, Chunk: 30}
	for _, c := range []struct{ rows, vocabulary, want int }{
		{10, 10, 10}, {11, 10, 3}, {11, 31, 1}, {2, 51, 1}, {0, 10, 0},
	} {
		if got := b.Rows(c.rows, c.vocabulary); got != c.want {
			t.Errorf("%d rows of %d: %d at a time, want %d", c.rows, c.vocabulary, got, c.want)
		}
	}
	if got := (Budget{Chunk: 30}).Rows(2, 10); got != 2 {
		t.Errorf("%d rows at a time, want both", got)
	}
}
