package core

import "context"

// Evaluator measures a model through the probabilities it gives to text.
type Evaluator interface {
	// Evaluate measures the model behind s. dir is an existing folder for
	// whatever files the evaluator writes; empty = write none.
	Evaluate(ctx context.Context, s Scorer, dir string) ([]Metric, error)
}

// Questioner is what an Evaluator may also offer: what it asks, to be looked for
// in what a model is trained on.
type Questioner interface {
	// Questions returns the questions of all test items, without shots, choices
	// or answers where they can be told apart.
	Questions(ctx context.Context) ([]Question, error)
}

// Question is the text of one test item.
type Question struct {
	Task string
	Text string
}

// Metric is one number of an evaluation, with lm-eval's names and scales.
type Metric struct {
	Task           string  // "arc_challenge", or a group: "mmlu", "h4"
	Name           string  // "acc", "acc_norm", "mc2"
	Value          float64 // 0..1 for accuracies; h4 is the mean x 100
	StdErr         float64 // NaN where there is none
	N              int     // documents
	HigherIsBetter bool
}

// Scorer is all that partitioners and evaluators may ask of a model. The host
// owns the tokenizer, the chat template and the truncation; a plugin needs none
// of them. Calls must not overlap.
type Scorer interface {
	// Info describes the model.
	Info(ctx context.Context) (ModelInfo, error)
	// Encode turns texts into items, in order.
	Encode(ctx context.Context, texts []Text, r EncodeRules) ([]Encoded, error)
	// LogProbs is Model.LogProbs.
	LogProbs(ctx context.Context, items []Item, d Detail) ([][]Score, error)
}

// ModelInfo describes a model to partitioners and evaluators.
type ModelInfo struct {
	Name         string // "S", "M1", ... in a run; else as the user named it
	Path         string
	Backend      string
	DType        string
	Parameters   int64
	VocabSize    int
	MaxLength    int // longest sequence in tokens, as lm-eval finds it
	BOS, EOS     SpecialToken
	PAD          SpecialToken
	ChatTemplate string // Jinja source; empty = none
	WeightsHash  string // sha256 of the weights, hex
}

// SpecialToken is a token of the tokenizer's own; Text is empty where there is
// none.
type SpecialToken struct {
	Text string
	ID   int32
}

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Text is a prompt and its completions before tokenisation. The prompt is a
// string, or, where Messages is not empty, a conversation that is rendered with
// the chat template and its generation prompt.
type Text struct {
	Prompt      string
	Messages    []Message
	Completions []string
}

// EncodeRules says how texts become ids: lm-eval's encode_pair (trailing white
// space of the prompt moves to the completion; the completion's ids are what
// follows the prompt's own ids in the ids of both together).
type EncodeRules struct {
	BOS BOSRule
	// MaxLength is the longest sequence fed to the model; 0 = the model's own.
	MaxLength int
	// NoTruncation makes a text that does not fit an error. Otherwise its
	// prompt loses tokens on the left, as in lm-eval.
	NoTruncation bool
}

// BOSRule says when a BOS token is put before a text.
type BOSRule string

const (
	BOSAuto  BOSRule = ""      // as the tokenizer does by default, but not twice
	BOSNever BOSRule = "never" // the Open LLM Leaderboard's lm-eval
)

// Encoded is a Text as ids.
type Encoded struct {
	// Prompt is the text that was tokenised: rendered, where it came as
	// messages.
	Prompt string
	// Items hold the completions in order: one Item with all of them or, where
	// the window cuts the prompt differently for each, one Item each.
	Items []Item
	// Truncated counts the completions whose prompt was cut.
	Truncated int
}

// Flatten returns one score per completion of e, in order, from the scores of
// its items.
func (e Encoded) Flatten(scores [][]Score) []Score {
	var flat []Score
	for _, s := range scores {
		flat = append(flat, s...)
	}
	return flat
}
