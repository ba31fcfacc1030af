package coretest

import (
	"context"
	"fmt"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
)

// The ids of Scorer's tokenizer: a byte is its own id.
const (
	BOS   = 256
	EOS   = 257
	PAD   = 258
	Vocab = 259 // what a model behind a Scorer must have at least
)

// Scorer is a core.Scorer over any model with a vocabulary of at least Vocab.
// Its tokenizer gives each byte of a text its own token and adds nothing by
// default; an empty prompt becomes BOS, as in lm-eval.
type Scorer struct {
	model     core.Model
	maxLength int
}

var _ core.Scorer = (*Scorer)(nil)

// NewScorer returns a scorer whose sequences hold at most maxLength tokens.
func NewScorer(m core.Model, maxLength int) *Scorer {
	return &Scorer{model: m, maxLength: maxLength}
}

// Info implements core.Scorer.
func (s *Scorer) Info(context.Context) (core.ModelInfo, error) {
	return core.ModelInfo{
		Name: "S", Backend: "coretest", DType: "float32",
		VocabSize: Vocab, MaxLength: s.maxLength,
		BOS: core.SpecialToken{Text: "<bos>", ID: BOS},
		EOS: core.SpecialToken{Text: "<eos>", ID: EOS},
		PAD: core.SpecialToken{Text: "<pad>", ID: PAD},
	}, nil
}

// LogProbs implements core.Scorer.
func (s *Scorer) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	return s.model.LogProbs(ctx, items, d)
}

// Encode implements core.Scorer. Messages are rendered as "role: content" lines
// with "assistant:" at the end.
func (s *Scorer) Encode(ctx context.Context, texts []core.Text, r core.EncodeRules) ([]core.Encoded, error) {
	if r.BOS != core.BOSAuto && r.BOS != core.BOSNever {
		return nil, fmt.Errorf("unknown BOS rule %q", r.BOS)
	}
	if r.MaxLength == 0 {
		r.MaxLength = s.maxLength
	}
	encoded := make([]core.Encoded, len(texts))
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if encoded[i], err = encode(text, r); err != nil {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
	}
	return encoded, nil
}

func encode(text core.Text, r core.EncodeRules) (core.Encoded, error) {
	out := core.Encoded{Prompt: render(text)}
	prompt := strings.TrimRight(out.Prompt, " \t\n")
	moved := out.Prompt[len(prompt):]
	ids := byteIDs(prompt)
	if len(ids) == 0 {
		ids = []int32{BOS}
	}
	var items []core.Item
	for j, completion := range text.Completions {
		answer := byteIDs(moved + completion)
		// The last token is predicted and never fed, hence the one more.
		room := r.MaxLength + 1 - len(answer)
		switch {
		case len(answer) == 0:
			return out, fmt.Errorf("completion %d is empty", j)
		case room < 1 || (r.NoTruncation && room < len(ids)):
			return out, fmt.Errorf("completion %d: %d tokens do not fit into %d", j, len(ids)+len(answer), r.MaxLength)
		case room < len(ids):
			out.Truncated++
		}
		cut := ids[max(0, len(ids)-room):]
		items = append(items, core.Item{Prompt: cut, Completions: [][]int32{answer}})
	}
	out.Items = items
	if out.Truncated == 0 && len(items) > 0 {
		out.Items = []core.Item{join(items)}
	}
	return out, nil
}

// join makes one item of items with the same prompt.
func join(items []core.Item) core.Item {
	joined := core.Item{Prompt: items[0].Prompt}
	for _, item := range items {
		joined.Completions = append(joined.Completions, item.Completions...)
	}
	return joined
}

func render(text core.Text) string {
	if len(text.Messages) == 0 {
		return text.Prompt
	}
	var b strings.Builder
	for _, m := range text.Messages {
		fmt.Fprintf(&b, "%s: %s\n", m.Role, m.Content)
	}
	return b.String() + "assistant:"
}

func byteIDs(s string) []int32 {
	ids := make([]int32, len(s))
	for i := range len(s) {
		ids[i] = int32(s[i])
	}
	return ids
}
