// Package prefix finds what sequences of tokens share. Items go in; a forest of
// segments comes out, in which each token that several sequences have in common,
// after the same tokens, stands once: the prompt of a chosen and a rejected
// completion, the few-shot preamble of a thousand questions. The sharing is found
// from the ids alone.
//
// One plan serves scoring (a whole workload), training (a micro-batch) and the
// forecast of either. Planning takes time and memory linear in the tokens.
package prefix

import (
	"fmt"
	"math"

	"github.com/stepwise-dpo/stepwise/core"
)

// A Forest is the plan. Its rows, the tokens to be fed to the model, are those of
// the segments in order, so that row Segments[s].Row+i is token i of segment s.
// The order is depth first: whatever a row attends to comes before it.
//
// The last token of a completion is a row only where another completion goes on
// after it: it is predicted, and predicts nothing.
type Forest struct {
	Segments []Segment
	Rows     int
	Counts   Counts

	targets []Target // by row
	first   []int    // of each segment, the index of its first target; one more at the end
}

// A Segment is a run of tokens that belongs to every sequence through it.
type Segment struct {
	Tokens []int32 // at least one; not a copy of what was planned
	Parent int     // index of the segment before it, less than its own; -1 = none
	Start  int     // position of Tokens[0] in its sequences
	Row    int     // of Tokens[0]
	// Length is the number of tokens, the last included, of the only sequence
	// through a segment that was planned alone; 0 where segments are shared.
	Length int
}

// End returns the position after the segment's last token.
func (s Segment) End() int { return s.Start + len(s.Tokens) }

// A Target is a completion's token and the row whose output predicts it.
type Target struct {
	Row        int
	Completion int   // counted through the items in order
	Index      int   // of the token in the completion
	Token      int32 // its id
}

// Counts says how many tokens are fed to the model, by how much is shared.
type Counts struct {
	Naive   int // each completion after a prompt of its own
	Grouped int // as lm-eval 0.4 does: equal inputs once, so one-token completions share their prompt
	Shared  int // the forest's rows
}

// Plan builds the forest of the items. A sequence (a prompt with one completion)
// of a length for which alone is true shares nothing; alone may be nil. The
// segments keep slices of the items, which must not change.
func Plan(items []core.Item, alone func(length int) bool) (*Forest, error) {
	p := planner{trie: newTrie()}
	for i, item := range items {
		if err := item.Check(math.MaxInt32); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		p.add(item, alone)
	}
	if p.naive > math.MaxInt32 {
		return nil, fmt.Errorf("%d tokens are more than one call may hold (%d)", p.naive, math.MaxInt32)
	}
	return p.forest(), nil
}

// Targets returns the targets of segment s, by row.
func (f *Forest) Targets(s int) []Target { return f.targets[f.first[s]:f.first[s+1]] }
