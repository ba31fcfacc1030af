package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// evalFlags are the flags of `stepwise eval`.
type evalFlags struct {
	models  []string
	tasks   []string
	preset  string
	limit   string
	fewshot int
	data    string
	taskDir string
	out     string
	chat    bool
	options []string
	backend backendFlags
}

func (a *app) evalCommand() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval --model M [--model M2]... --tasks T,...",
		Short: "Score multiple-choice benchmarks as lm-evaluation-harness does",
		Long: `Scores benchmarks by log-likelihood, item by item as lm-evaluation-harness, and
writes its files into DIR. Several models are compared side by side with paired
differences. "h4" is ARC, HellaSwag, MMLU and TruthfulQA; --tasks list lists all.
A task of your own is a TOML file in --task-dir.`,
		Example: `  stepwise eval --model models/smollm2 --tasks arc_challenge,truthfulqa_mc2 --data bench --limit 100
  stepwise eval --model S --model M2 --tasks h4 --preset leaderboard --data bench --out results`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(f.tasks) == 1 && f.tasks[0] == "list" {
				return a.listTasks(f)
			}
			if len(f.models) == 0 {
				return usagef("no model; add --model")
			}
			ctx, done := a.reporting(c.Context())
			defer done()
			o, err := f.evaluatorOptions(c)
			if err != nil {
				return asUsage(err)
			}
			return a.eval(ctx, f, o)
		},
	}
	c.Flags().StringArrayVar(&f.models, "model", nil, "folder, .gguf or ORG/NAME (repeatable)")
	c.Flags().StringSliceVar(&f.tasks, "tasks", nil, "names of tasks and groups, or list")
	c.Flags().StringVar(&f.preset, "preset", "lm-eval", "lm-eval (0.4.13) or leaderboard (Open LLM Leaderboard v1)")
	c.Flags().StringVar(&f.limit, "limit", "", "documents a task: a number, or a share below 1")
	c.Flags().IntVar(&f.fewshot, "num-fewshot", 0, "examples before each question (default the task's)")
	c.Flags().StringVar(&f.data, "data", "", "folder with the benchmarks' data (default: the hub's cache)")
	c.Flags().StringVar(&f.taskDir, "task-dir", "", "folder with task definitions of your own")
	c.Flags().StringVar(&f.out, "out", "", "folder for results_*.json and samples_*.jsonl")
	c.Flags().BoolVar(&f.chat, "apply-chat-template", false, "put questions into the model's chat template")
	c.Flags().StringArrayVar(&f.options, "option", nil, "another option of the evaluator, as fewshot_as_multiturn=false (repeatable)")
	c.MarkFlagRequired("tasks")
	f.backend.register(c)
	return c
}

// evaluatorOptions turns the flags that were given into the evaluator's options.
func (f *evalFlags) evaluatorOptions(c *cobra.Command) (core.Options, error) {
	o, err := parseOptions(f.options)
	if err == nil {
		err = refuseFlagged(o)
	}
	if err != nil {
		return nil, err
	}
	o["tasks"], o["preset"] = f.tasks, f.preset
	if f.data != "" {
		o["data"] = f.data
	}
	if f.taskDir != "" {
		o["task_dir"] = f.taskDir
	}
	if f.limit != "" {
		n, err := strconv.ParseFloat(f.limit, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("--limit %q: want a number of documents, or a share below 1", f.limit)
		}
		o["limit"] = n
	}
	if c.Flags().Changed("num-fewshot") {
		o["num_fewshot"] = f.fewshot
	}
	if f.chat {
		o["apply_chat_template"] = true
	}
	return o, nil
}

// optionFlags are the evaluator's options that have a flag of their own.
var optionFlags = map[string]string{
	"tasks": "tasks", "preset": "preset", "limit": "limit", "num_fewshot": "num-fewshot",
	"data": "data", "task_dir": "task-dir", "apply_chat_template": "apply-chat-template",
}

// refuseFlagged refuses options that a flag gives, and would overwrite.
func refuseFlagged(o core.Options) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if flag, ok := optionFlags[name]; ok {
			faults = append(faults, fmt.Errorf("--option %s: give it by its flag, --%s", name, flag))
		}
	}
	return errors.Join(faults...)
}

// eval evaluates each model, prints its results and compares several.
func (a *app) eval(ctx context.Context, f evalFlags, o core.Options) error {
	out := f.out
	if out == "" {
		tmp, err := os.MkdirTemp("", "stepwise-eval")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		out = tmp
	}
	var dirs []string
	for _, name := range f.models {
		dir := filepath.Join(out, results.FolderName(name))
		if err := a.evalModel(ctx, name, dir, f, o); err != nil {
			return err
		}
		dirs = append(dirs, dir)
	}
	return a.printResults(dirs, f.out)
}

func (a *app) evalModel(ctx context.Context, name, dir string, f evalFlags, o core.Options) (err error) {
	c, err := f.backend.config()
	if err != nil {
		return err
	}
	e, err := a.manager(c).OpenEvaluator(ctx, "multiple-choice", o)
	if err != nil {
		return asUsage(err)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	s, err := a.openScorer(ctx, name, f.backend)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := e.Evaluate(ctx, s, dir); err != nil {
		return fmt.Errorf("model %q: %w", name, err)
	}
	return nil
}

// listTasks prints the names of all tasks and groups.
func (a *app) listTasks(f evalFlags) error {
	names, err := multiplechoice.TaskNames(multiplechoice.Preset(f.preset), f.taskDir)
	if err != nil {
		return asUsage(err)
	}
	_, err = fmt.Fprintln(a.out, strings.Join(names, "\n"))
	return err
}

// printResults prints lm-eval's table of each model and, where there are
// several, their differences to the first, with a plot beside the results.
func (a *app) printResults(dirs []string, plotDir string) error {
	var all []*results.File
	for _, dir := range dirs {
		r, err := results.Load(dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s\n%s\n%s\n", r.Model, r.Table(), r.Summary())
		all = append(all, r)
	}
	if len(all) < 2 {
		return nil
	}
	c, err := results.Compare(all)
	if err != nil {
		return err
	}
	fmt.Fprint(a.out, c.Table())
	if plotDir == "" {
		return nil
	}
	plot := filepath.Join(plotDir, "comparison.svg")
	fmt.Fprintf(a.out, "plot: %s\n", plot)
	return c.WritePlot(plot)
}
