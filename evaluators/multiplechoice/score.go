package multiplechoice

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// report is what is known of a run beside its samples.
type report struct {
	tokens      prefix.Counts
	completions int
	truncated   int // completions whose prompt lost tokens on the left
}

// score sends the questions of all tasks to the model in one call, so that it
// computes what they share but once.
func (e *Evaluator) score(ctx context.Context, s core.Scorer, runs []*run) (*report, error) {
	encoded, err := e.encode(ctx, s, runs)
	if err != nil {
		return nil, err
	}
	var items []core.Item
	rep := &report{}
	for _, enc := range encoded {
		items = append(items, enc.Items...)
		rep.truncated += enc.Truncated
	}
	for _, item := range items {
		rep.completions += len(item.Completions)
	}
	plan, err := prefix.Plan(items, nil)
	if err != nil {
		return nil, err
	}
	rep.tokens = plan.Counts
	note(ctx, rep)
	scores, err := s.LogProbs(ctx, items, core.Detail{Greedy: true})
	if err != nil {
		return nil, err
	}
	if len(scores) != len(items) {
		return nil, fmt.Errorf("the model returned scores of %d items for %d", len(scores), len(items))
	}
	return rep, distribute(runs, encoded, scores)
}

// encode turns every text into ids. Where the chat template refuses a system
// message, it is left out, as lm-eval does.
func (e *Evaluator) encode(ctx context.Context, s core.Scorer, runs []*run) ([]core.Encoded, error) {
	bos, err := e.bos(ctx, s)
	if err != nil {
		return nil, err
	}
	var texts []core.Text
	for _, r := range runs {
		for _, smp := range r.samples {
			for _, t := range smp.texts {
				t.Prompt = bos + t.Prompt
				texts = append(texts, t)
			}
		}
	}
	encoded, err := s.Encode(ctx, texts, e.options.encodeRules())
	if plain, had := withoutSystem(texts); err != nil && had {
		var again error
		if encoded, again = s.Encode(ctx, plain, e.options.encodeRules()); again == nil {
			core.ReporterFrom(ctx).Note(fmt.Sprintf("asked without the system message, because with it: %v", err))
			err = nil
		}
	}
	if err == nil && len(encoded) != len(texts) {
		err = fmt.Errorf("%d texts were encoded of %d", len(encoded), len(texts))
	}
	for i := range encoded {
		encoded[i].Prompt = strings.TrimPrefix(encoded[i].Prompt, bos)
	}
	return encoded, err
}

// bos is the BOS token's text where it is to stand before texts whose tokenizer
// would not put it there.
func (e *Evaluator) bos(ctx context.Context, s core.Scorer) (string, error) {
	if e.options.AddBOS != "always" {
		return "", nil
	}
	info, err := s.Info(ctx)
	if err == nil && info.BOS.Text == "" {
		err = errors.New("option \"add_bos\": the model's tokenizer has no BOS token")
	}
	return info.BOS.Text, err
}

func withoutSystem(texts []core.Text) (plain []core.Text, had bool) {
	plain = make([]core.Text, len(texts))
	for i, t := range texts {
		if len(t.Messages) > 1 && t.Messages[0].Role == "system" {
			t.Messages, had = t.Messages[1:], true
		}
		plain[i] = t
	}
	return plain, had
}

// note tells the user the plan before the work begins.
func note(ctx context.Context, r *report) {
	reporter := core.ReporterFrom(ctx)
	reporter.Note(fmt.Sprintf("%d completions; tokens to process: %d each alone, %d as lm-eval batches them, %d with what they share computed once (%.1f times less than alone)",
		r.completions, r.tokens.Naive, r.tokens.Grouped, r.tokens.Shared, float64(r.tokens.Naive)/float64(max(r.tokens.Shared, 1))))
	if r.truncated > 0 {
		reporter.Note(fmt.Sprintf("%d of %d prompts do not fit the model's window and lose tokens on the left, the description and the first shots; set fail_on_truncation to refuse them",
			r.truncated, r.completions))
	}
}

// distribute hands the scores back to the samples.
func distribute(runs []*run, encoded []core.Encoded, scores [][]core.Score) error {
	next, item := 0, 0
	for _, r := range runs {
		for i, smp := range r.samples {
			for range smp.texts {
				enc := encoded[next]
				next++
				flat := enc.Flatten(scores[item : item+len(enc.Items)])
				item += len(enc.Items)
				smp.prompts = append(smp.prompts, enc.Prompt)
				for _, score := range flat {
					smp.lls = append(smp.lls, float64(float32(score.LogProb)))
					smp.greedy = append(smp.greedy, score.Greedy)
				}
			}
			if len(smp.lls) != len(smp.choices) {
				return fmt.Errorf("task %q: document %d: %d scores for %d choices", r.d.Task, i, len(smp.lls), len(smp.choices))
			}
		}
	}
	return nil
}
