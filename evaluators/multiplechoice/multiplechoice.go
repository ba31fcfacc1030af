// Package multiplechoice is the evaluator of multiple-choice benchmarks by
// log-likelihood: ARC, HellaSwag, MMLU, TruthfulQA, Winogrande, OpenBookQA, PIQA,
// BoolQ, and H4, the mean of the four that the sDPO paper reports. It equals
// lm-evaluation-harness document by document: prompts, few-shot draws, metrics,
// standard errors, and the files it writes. Two versions are followed, as
// presets: the current one (0.4.13) and the Open LLM Leaderboard's.
//
// A task of one's own is a file in a folder that the option task_dir names:
//
//	task = "capitals"
//	test_split = "test"
//	doc_to_text = "Question: What is the capital of {{country}}?\nAnswer:"
//	doc_to_choice = "{{cities}}"
//	doc_to_target = "{{cities.index(capital)}}"
//	metrics = ["acc", "acc_norm"]
//	version = 1.0
//
//	[[files]]
//	path = "capitals/{split}.jsonl" # below the folder that the option data names
//
// Tasks are data: one TOML file each, in the folder tasks and in the user's own
// (option task_dir). Documents are read from the folder that the option data
// names, or fetched from the Hugging Face hub. How tasks are read is in
// definition.go, where their documents come from in dataset.go and hub.go, how
// shots are drawn in draw.go, how questions are written in request.go, how answers
// are judged in metric.go. Package results writes what comes out, and reads it.
package multiplechoice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
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
	done := e.results(info, runs, report)
	done.Start, done.Took = start, time.Since(start)
	if dir != "" {
		if err := done.Write(dir); err != nil {
			return nil, err
		}
	}
	return metrics(done), nil
}

// prepare reads the data, draws the shots and writes the questions of every task.
func (e *Evaluator) prepare(ctx context.Context) ([]*run, error) {
	data := newLibrary(e.options.Data)
	var runs []*run
	err := e.eachTask(ctx, func(d *Definition) error {
		r, err := e.prepareTask(ctx, data, d)
		if err == nil {
			runs = append(runs, r)
		}
		return err
	})
	return runs, err
}

// eachTask does something with the data of every task, except of those that have
// none and may be left out.
func (e *Evaluator) eachTask(ctx context.Context, do func(*Definition) error) error {
	var missing []*errNoData
	done := 0
	for _, d := range e.chosen.tasks {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := do(d)
		var absent *errNoData
		switch {
		case errors.As(err, &absent) && e.options.SkipMissing:
			core.ReporterFrom(ctx).Note(fmt.Sprintf("left out: %v", err))
		case errors.As(err, &absent):
			missing = append(missing, absent)
		case err != nil:
			return err
		default:
			done++
		}
	}
	if len(missing) > 0 {
		return joinMissing(missing)
	}
	if done == 0 {
		return errors.New("none of the tasks has data")
	}
	return nil
}

func (e *Evaluator) prepareTask(ctx context.Context, data *library, d *Definition) (*run, error) {
	docs, err := data.split(ctx, d, d.evalSplit())
	if err != nil {
		return nil, err
	}
	var pool []py.Object
	if shots(d) > 0 {
		if pool, err = data.split(ctx, d, d.poolSplit()); err != nil {
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

// judge computes the metrics of every sample.
func judge(ctx context.Context, runs []*run) error {
	for _, r := range runs {
		outside := 0
		for i, smp := range r.samples {
			var err error
			if smp.values, err = resultRules[r.d.ProcessResults].judge(smp.question, smp.lls); err != nil {
				return fmt.Errorf("task %q: document %d: %w", r.d.Task, i, err)
			}
			if smp.gold == outOfRange {
				outside++
			}
		}
		if outside > 0 {
			core.ReporterFrom(ctx).Note(fmt.Sprintf("task %q: in %d of %d documents the answer is none of the choices; they count as wrong", r.d.Task, outside, len(r.samples)))
		}
	}
	return nil
}
