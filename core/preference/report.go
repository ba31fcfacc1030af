package preference

import (
	"errors"
	"fmt"
	"strings"
)

// Report says what became of a source's rows.
type Report struct {
	Source  string  `json:"source"`
	Path    string  `json:"path"`
	Format  string  `json:"format"`
	Profile Profile `json:"profile"`

	Rows    int `json:"rows"`    // read
	Train   int `json:"train"`   // kept
	Heldout int `json:"heldout"` // kept and held out

	// Rows that were dropped.
	Ties             int `json:"ties"`              // votes that name no preferred completion
	EmptyCompletions int `json:"empty_completions"` // chosen or rejected says nothing
	NoPrompt         int `json:"no_prompt"`         // nothing to predict the first token from
	TooLong          int `json:"too_long"`          // cut, no prompt or no completion would remain

	// Pairs that were kept.
	Duplicates  int `json:"duplicates"`  // the same prompt, chosen and rejected as an earlier one
	Identical   int `json:"identical"`   // chosen = rejected, as the model sees them
	Truncated   int `json:"truncated"`   // lost tokens
	Levelled    int `json:"levelled"`    // kept less of the prompt than TRL would; see Profile
	NonPrefix   int `json:"non_prefix"`  // the prompt's ids do not begin those of prompt + completion
	Overlong    int `json:"overlong"`    // ids of the file, longer than max_length and not cut
	Untemplated int `json:"no_template"` // plain text for a model that has a chat template

	TrainRows []int `json:"-"` // of each pair to train on, the index of its row in the file

	// Lengths in tokens before anything was cut, of kept and too long pairs.
	PromptTokens     Quantiles `json:"prompt_tokens"`
	CompletionTokens Quantiles `json:"completion_tokens"` // chosen and rejected
	RowTokens        Quantiles `json:"row_tokens"`        // prompt + longer completion
}

// Quantiles are order statistics of lengths.
type Quantiles struct {
	Min int `json:"min"`
	P50 int `json:"p50"`
	P90 int `json:"p90"`
	P99 int `json:"p99"`
	Max int `json:"max"`
}

// Dropped returns the number of rows that became no pair.
func (r Report) Dropped() int { return r.Ties + r.EmptyCompletions + r.NoPrompt + r.TooLong }

// Finding is something a report has to say: how many rows, what about them, and
// what would mend it.
type Finding struct {
	Count   int    `json:"count"`
	Dropped bool   `json:"dropped"`
	What    string `json:"what"`
	Remedy  string `json:"remedy"`
}

// Findings lists what befell the rows, dropped ones first.
func (r Report) Findings() []Finding {
	all := []Finding{
		{r.Ties, true, "votes tied", "nothing is wrong; such rows hold no preference"},
		{r.EmptyCompletions, true, "empty completion", "remove or fill these rows in the file"},
		{r.NoPrompt, true, "no prompt", "give each row a prompt, or completions that begin alike"},
		{r.TooLong, true, "prompt or completion alone fills max_length", r.longer()},
		{r.Truncated, false, "truncated", r.longer()},
		{r.Levelled, false, "prompt cut as far as the longer completion needs, where TRL cuts each row by itself", r.longer()},
		{r.NonPrefix, false, "the prompt's tokens are not the beginning of the pair's", r.prefixRemedy()},
		{r.Overlong, false, "ids longer than max_length, used as given", "cut them in the file, or raise max_length to " + fmt.Sprint(r.RowTokens.Max)},
		{r.Duplicates, false, "the same pair as an earlier one", "remove the repetitions from the file; each counts as one more epoch"},
		{r.Identical, false, "chosen = rejected", "remove these rows, or raise max_length where truncation made them equal; they teach nothing"},
		{r.Untemplated, false, "plain text, though the model has a chat template (TRL does not use it on text either)", "write prompt, chosen and rejected as messages, or name format = \"ultrafeedback\" for questions and answers"},
	}
	var out []Finding
	for _, f := range all {
		if f.Count > 0 {
			out = append(out, f)
		}
	}
	return out
}

// longer names the setting under which nothing would be cut.
func (r Report) longer() string {
	s := fmt.Sprintf("max_length = %d would cut nothing (now %d)", r.RowTokens.Max, r.Profile.MaxLength)
	if p := r.Profile.MaxPromptLength; r.Profile.Name == TRL028 && r.PromptTokens.Max > p {
		s += fmt.Sprintf(", with max_prompt_length = %d (now %d)", r.PromptTokens.Max, p)
	}
	return s
}

func (r Report) prefixRemedy() string {
	if r.Untemplated > 0 {
		return "end prompts where a token ends: put the space at the beginning of the completion, not at the prompt's end"
	}
	return "use a chat template that renders the prompt alone as it renders it before an answer"
}

// nothingLeft is the error for a source of which no pair is left.
func (r Report) nothingLeft() error {
	var reasons []string
	for _, f := range r.Findings() {
		if f.Dropped {
			reasons = append(reasons, fmt.Sprintf("%d x %s (%s)", f.Count, f.What, f.Remedy))
		}
	}
	if len(reasons) == 0 {
		return errors.New("no pairs")
	}
	return fmt.Errorf("no pair is left of %d rows: %s", r.Rows, strings.Join(reasons, "; "))
}

// String returns the report as a few lines.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d rows (%s), %d pairs to train on", r.Source, r.Rows, r.Format, r.Train)
	if r.Heldout > 0 {
		fmt.Fprintf(&b, ", %d held out", r.Heldout)
	}
	if n := r.Dropped(); n > 0 {
		fmt.Fprintf(&b, ", %d dropped", n)
	}
	fmt.Fprintf(&b, "\n  tokens, %s:", r.Profile.Name)
	for _, q := range []struct {
		name string
		q    Quantiles
	}{{"prompt", r.PromptTokens}, {"completion", r.CompletionTokens}, {"row", r.RowTokens}} {
		fmt.Fprintf(&b, "\n    %-10s  min %d, median %d, 90 %% %d, 99 %% %d, max %d", q.name, q.q.Min, q.q.P50, q.q.P90, q.q.P99, q.q.Max)
	}
	for _, f := range r.Findings() {
		verb := ""
		if f.Dropped {
			verb = "dropped, "
		}
		fmt.Fprintf(&b, "\n  %s%d: %s; %s", verb, f.Count, f.What, f.Remedy)
	}
	return b.String() + "\n"
}
