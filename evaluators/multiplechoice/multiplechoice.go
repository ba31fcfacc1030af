// Package multiplechoice is the evaluator of multiple-choice benchmarks by
// log-likelihood: ARC, HellaSwag, MMLU, TruthfulQA, Winogrande, OpenBookQA, PIQA,
// BoolQ, and H4, the mean of the four that the sDPO paper reports. It equals
// lm-evaluation-harness document by document: prompts, few-shot draws, metrics,
// standard errors, and the files it writes. Two versions are followed, as
// presets: the current one (0.4.13) and the Open LLM Leaderboard's.
//
// Tasks are data: one TOML file each, in the folder tasks and in the user's own
// (option task_dir). How they are read is in definition.go, where their documents
// come from in dataset.go, how shots are drawn in draw.go, how questions are
// written in request.go, how answers are judged in metric.go.
package multiplechoice

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/prefix"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Evaluator runs the chosen tasks.
type Evaluator struct {
	options Options
	chosen  *selection
}

var _ core.Evaluator = (*Evaluator)(nil)

// New makes an evaluator. All faults of the options and of the task definitions
// are reported here, before a model is asked for anything.
func New(raw core.Options) (core.Evaluator, error) {
	o, err := parseOptions(raw)
	if err != nil {
		return nil, err
	}
	c, err := loadCatalog(o.Preset, o.TaskDir)
	if err != nil {
		return nil, err
	}
	chosen, err := c.choose(o.Tasks, o.NumFewshot)
	if err != nil {
		return nil, err
	}
	return &Evaluator{o, chosen}, nil
}

// run is one task's part of an evaluation.
type run struct {
	d         *Definition
	documents int // in the data, before the limit
	samples   []*sample
	results   map[string]summary // by metric
}

// sample is a question with the model's answer.
type sample struct {
	*question
	prompts []string  // of each of the question's texts, as tokenised
	lls     []float64 // of each choice, in nats, rounded to float32 as in lm-eval
	greedy  []bool
	values  map[string]float64 // by metric
}

// Evaluate implements core.Evaluator. Into dir it writes lm-eval's
// results_*.json and samples_*.jsonl.
func (e *Evaluator) Evaluate(ctx context.Context, s core.Scorer, dir string) ([]core.Metric, error) {
	start := time.Now()
	info, err := s.Info(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := e.prepare(ctx)
	if err != nil {
		return nil, err
	}
	report, err := e.score(ctx, s, runs)
	if err != nil {
		return nil, err
	}
	if err := judge(ctx, runs); err != nil {
		return nil, err
	}
	report.groups = aggregate(e.chosen, taskOutcomes(runs))
	if dir != "" {
		o := output{e.options, info, e.chosen, runs, report, start, time.Since(start)}
		if err := o.write(dir); err != nil {
			return nil, err
		}
	}
	return metrics(e.chosen, runs, report.groups), nil
}

// prepare reads the data, draws the shots and writes the questions of every task.
func (e *Evaluator) prepare(ctx context.Context) ([]*run, error) {
	data := newLibrary(e.options.Data)
	var runs []*run
	var missing []error
	for _, d := range e.chosen.tasks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := e.prepareTask(data, d)
		var absent *errNoData
		switch {
		case errors.As(err, &absent) && e.options.SkipMissing:
			core.ReporterFrom(ctx).Note(fmt.Sprintf("left out: %v", err))
		case errors.As(err, &absent):
			missing = append(missing, err)
		case err != nil:
			return nil, err
		default:
			runs = append(runs, r)
		}
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	if len(runs) == 0 {
		return nil, errors.New("none of the tasks has data")
	}
	return runs, nil
}

func (e *Evaluator) prepareTask(data *library, d *Definition) (*run, error) {
	docs, err := data.split(d, d.evalSplit())
	if err != nil {
		return nil, err
	}
	var pool []py.Object
	if shots(d) > 0 {
		if pool, err = data.split(d, d.poolSplit()); err != nil {
			return nil, err
		}
	}
	drawn, err := draw(e.options.Preset, d, docs, pool, e.options.Limit, e.options.seed())
	if err != nil {
		return nil, err
	}
	if len(drawn.docs) == 0 {
		return nil, fmt.Errorf("task %q: limit %v leaves none of its %d documents", d.Task, float64(e.options.Limit), len(docs))
	}
	w, err := newWriter(d, e.options.chat())
	if err != nil {
		return nil, err
	}
	r := &run{d: d, documents: len(docs)}
	for i, doc := range drawn.docs {
		q, err := w.ask(doc, drawn.shots[i])
		if err != nil {
			return nil, fmt.Errorf("task %q: document %d: %w", d.Task, i, err)
		}
		r.samples = append(r.samples, &sample{question: q})
	}
	return r, nil
}

// report is what is known of a run beside its samples.
type report struct {
	tokens      prefix.Counts
	completions int
	truncated   int // completions whose prompt lost tokens on the left
	groups      outcomes
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

// judge computes the metrics of every sample and task.
func judge(ctx context.Context, runs []*run) error {
	for _, r := range runs {
		values := map[string][]float64{}
		outside := 0
		for i, smp := range r.samples {
			var err error
			if smp.values, err = resultRules[r.d.ProcessResults].judge(smp.question, smp.lls); err != nil {
				return fmt.Errorf("task %q: document %d: %w", r.d.Task, i, err)
			}
			for _, m := range r.d.Metrics {
				values[m] = append(values[m], smp.values[m])
			}
			if smp.gold == outOfRange {
				outside++
			}
		}
		r.results = map[string]summary{}
		for m, v := range values {
			r.results[m] = summarize(v)
		}
		if outside > 0 {
			core.ReporterFrom(ctx).Note(fmt.Sprintf("task %q: in %d of %d documents the answer is none of the choices; they count as wrong", r.d.Task, outside, len(r.samples)))
		}
	}
	return nil
}

// taskOutcomes are the results of the tasks.
func taskOutcomes(runs []*run) outcomes {
	tasks := outcomes{}
	for _, r := range runs {
		tasks[r.d.Task] = r.results
	}
	return tasks
}

// metrics lists the results of the tasks and then of the groups.
func metrics(chosen *selection, runs []*run, groups outcomes) []core.Metric {
	var list []core.Metric
	add := func(name, metric string, s summary) {
		list = append(list, core.Metric{Task: name, Name: metric, Value: s.value, StdErr: s.stdErr, N: s.n, HigherIsBetter: true})
	}
	for _, r := range runs {
		for _, m := range r.d.Metrics {
			add(r.d.Task, m, r.results[m])
		}
	}
	for _, g := range chosen.bottomUp() {
		for _, m := range g.metrics() {
			if s, ok := groups[g.Name][m]; ok && !math.IsNaN(s.value) {
				add(g.Name, m, s)
			}
		}
	}
	return list
}
