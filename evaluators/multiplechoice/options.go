package multiplechoice

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// Preset is the version of lm-eval whose rules are followed.
type Preset string

const (
	// LMEval is lm-evaluation-harness 0.4.13.
	LMEval Preset = "lm-eval"
	// Leaderboard is its commit b281b0921, which the first Open LLM Leaderboard
	// ran and the sDPO paper's H4 was measured with.
	Leaderboard Preset = "leaderboard"
)

func (p Preset) check() error {
	if p != LMEval && p != Leaderboard {
		return fmt.Errorf("option \"preset\": %q is neither %q nor %q", p, LMEval, Leaderboard)
	}
	return nil
}

// Options are the evaluator's, in a configuration's [[eval]] options.
type Options struct {
	// Tasks are names of tasks and groups.
	Tasks []string `json:"tasks"`
	// Preset is lm-eval (the default) or leaderboard.
	Preset Preset `json:"preset"`
	// Data is the folder of the benchmarks' data: copies of the hub's data
	// sets, or the authors' files; empty = the hub, through the cache of
	// huggingface_hub and by its variables HF_HOME, HF_HUB_CACHE, HF_TOKEN,
	// HF_ENDPOINT and HF_HUB_OFFLINE.
	Data string `json:"data"`
	// TaskDir is a folder of further task definitions, a TOML file each.
	TaskDir string `json:"task_dir"`
	// SkipMissing leaves out tasks whose data is not there, and says which,
	// instead of refusing to start. A network that fails, and a hub that is busy
	// or refuses, are errors all the same.
	SkipMissing bool `json:"skip_missing"`
	// Limit is the documents of each task: a number, a fraction below 1, or 0
	// for all.
	Limit Limit `json:"limit"`
	// NumFewshot overrides the shots of every task that does not fix them at 0.
	NumFewshot *int `json:"num_fewshot"`
	// ApplyChatTemplate asks in the model's chat format; FewshotAsMultiturn
	// (default true) makes each shot a turn of its own.
	ApplyChatTemplate  bool   `json:"apply_chat_template"`
	FewshotAsMultiturn *bool  `json:"fewshot_as_multiturn"`
	SystemInstruction  string `json:"system_instruction"`
	// Seed draws the shots: 1234 by default, 42 under leaderboard.
	Seed *int64 `json:"seed"`
	// MaxLength is the longest sequence in tokens; 0 = the model's own.
	MaxLength int `json:"max_length"`
	// FailOnTruncation makes a prompt that does not fit an error. Otherwise it
	// loses tokens on the left, and the results say how many did.
	FailOnTruncation bool `json:"fail_on_truncation"`
	// AddBOS says whether a BOS token stands before every text: "always",
	// "never", or "auto" as the tokenizer does by default; empty = the preset's
	// way.
	AddBOS string `json:"add_bos"`
}

// Limit is a number of documents, or a fraction of them if below 1; 0 = all.
type Limit float64

// of returns how many of n documents to take. lm-eval rounds a fraction up, the
// leaderboard's commit down.
func (l Limit) of(n int, up bool) int {
	switch {
	case l == 0:
		return n
	case l >= 1:
		return min(n, int(l))
	case up:
		return int(math.Ceil(float64(n) * float64(l)))
	}
	return int(float64(n) * float64(l))
}

// parseOptions reads and checks the options, all faults at once.
func parseOptions(raw core.Options) (Options, error) {
	o := Options{Preset: LMEval}
	if err := raw.Decode(&o); err != nil {
		return o, err
	}
	faults := []error{o.Preset.check()}
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse(len(o.Tasks) == 0, "option \"tasks\" is missing: name tasks or groups, such as \"h4\"")
	refuse(o.Limit < 0 || o.Limit > 1 && o.Limit != Limit(math.Trunc(float64(o.Limit))),
		"option \"limit\": %v is neither a number of documents nor a fraction below 1", float64(o.Limit))
	refuse(o.NumFewshot != nil && *o.NumFewshot < 0, "option \"num_fewshot\" is negative")
	refuse(o.MaxLength < 0, "option \"max_length\" is negative")
	refuse(o.FewshotAsMultiturn != nil && !o.ApplyChatTemplate, "option \"fewshot_as_multiturn\" needs apply_chat_template = true")
	refuse(!slices.Contains([]string{"", "always", "never", "auto"}, o.AddBOS), "option \"add_bos\": %q is none of \"always\", \"never\", \"auto\"", o.AddBOS)
	refuse(o.AddBOS == "always" && o.ApplyChatTemplate, "option \"add_bos\": under a chat template it is the template that puts BOS")
	refuse(o.Preset == Leaderboard && o.ApplyChatTemplate, "option \"apply_chat_template\": the leaderboard's lm-eval has no chat templates; use preset %q", LMEval)
	refuse(o.Preset == Leaderboard && o.SystemInstruction != "", "option \"system_instruction\": the leaderboard's lm-eval has none; use preset %q", LMEval)
	return o, errors.Join(faults...)
}

func (o Options) seed() int64 {
	switch {
	case o.Seed != nil:
		return *o.Seed
	case o.Preset == Leaderboard:
		return 42
	}
	return 1234
}

func (o Options) settings() results.Settings {
	return results.Settings{
		Preset: string(o.Preset), Limit: float64(o.Limit), Seed: o.seed(), MaxLength: o.MaxLength,
		Chat: o.ApplyChatTemplate, Multiturn: o.multiturn(), System: o.SystemInstruction,
	}
}

func (o Options) multiturn() bool {
	return o.FewshotAsMultiturn == nil || *o.FewshotAsMultiturn
}

func (o Options) chat() chatOptions {
	return chatOptions{o.ApplyChatTemplate, o.multiturn(), o.SystemInstruction}
}

func (o Options) encodeRules() core.EncodeRules {
	r := core.EncodeRules{MaxLength: o.MaxLength, NoTruncation: o.FailOnTruncation}
	if o.AddBOS == "never" || o.AddBOS == "always" || o.AddBOS == "" && o.Preset == Leaderboard {
		r.BOS = core.BOSNever
	}
	return r
}
