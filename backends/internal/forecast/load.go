// Package forecast is the part of a forecast that no device changes: how large a
// micro-batch is, how much work it is, and how a rate is measured.
package forecast

import (
	"fmt"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// A Load is the size of a micro-batch whose items share their prompts.
type Load struct {
	Tokens  int // of each prompt with each completion, nothing shared
	Rows    int // fed to the model
	Scored  int // of them, those that predict something
	Targets int // tokens predicted
	Pairs   int // of a query and a key that it sees
	Length  int // of the longest sequence fed
	Pieces  int // prompts and completions
	Keys    int // that pieces see, each counted for itself
}

// NewLoad refuses prompts and completions without a token.
func NewLoad(w core.Workload) (Load, error) {
	var l Load
	for i, item := range w.MicroBatch {
		if item.Prompt < 1 {
			return l, fmt.Errorf("item %d: a prompt of %d tokens", i, item.Prompt)
		}
		if len(item.Completions) == 0 {
			continue
		}
		l.add(0, item.Prompt)
		l.Scored++
		for j, c := range item.Completions {
			if c < 1 {
				return l, fmt.Errorf("item %d, completion %d: %d tokens", i, j, c)
			}
			l.add(item.Prompt, c-1) // the last token is not fed
			l.Scored += c - 1
			l.Targets += c
			l.Tokens += item.Prompt + c
		}
	}
	return l, nil
}

// add adds a piece of some rows after others.
func (l *Load) add(start, rows int) {
	l.Rows += rows
	l.Pairs += rows * (2*start + rows + 1) / 2
	l.Length = max(l.Length, start+rows)
	l.Pieces++
	l.Keys += start + rows
}

// Operations returns the number of floating-point operations of the micro-batch:
// each weight takes 2 a row in each of three products, in the blocks once more where
// recompute makes activations anew, and in the head, which sees scored rows, where
// again makes logits anew.
func (l Load) Operations(a *checkpoint.Architecture, scored int, recompute, again bool) float64 {
	passes, headPasses := 3.0, 3.0
	if recompute {
		passes++
	}
	if again {
		headPasses++
	}
	body, head := float64(a.Multiplied())*float64(l.Rows), float64(a.VocabSize*a.Hidden)*float64(scored)
	attention := float64(l.Pairs) * float64(a.Heads*a.HeadDim*a.Layers) * 2 // scores and mixture; again and their gradients
	return 2*(passes*body+headPasses*head) + 2*attention*(passes+.5)
}
