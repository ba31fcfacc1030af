// Package logits bounds the memory of a language model head's logits.
package logits

// A Budget says how many logits, in floats, may be in memory.
type Budget struct {
	Keep  int // kept from the forward pass for the backward pass, where all of them fit
	Chunk int // made at a time where they do not, and then made twice
}

// Training and Scoring are the budgets of a model at work.
var (
	Training = Budget{Keep: 128 << 20, Chunk: 16 << 20}
	Scoring  = Budget{Chunk: Training.Chunk}
)

// Rows returns how many of some rows have their logits in memory at a time: all
// where they are kept.
func (b Budget) Rows(rows, vocabulary int) int {
	if rows*vocabulary <= b.Keep {
		return rows
	}
	return min(rows, max(1, b.Chunk/vocabulary))
}
