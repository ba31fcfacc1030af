package results

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/markdown"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Summary is a table of the results with their 95 % confidence intervals, and
// what a reader should know of how they came about. Of a group's mean it gives
// both kinds: over all documents, as lm-eval has it, and over tasks, as the
// leaderboard had it.
func (f *File) Summary() string {
	var rows [][]any
	_, names := hierarchy(f.content.Object("group_subtasks"), slices.Collect(maps.Keys(f.Stats)))
	for _, name := range names {
		for _, metric := range slices.Sorted(maps.Keys(f.Stats[name])) {
			rows = append(rows, f.summaryRow(name, metric, f.Stats[name][metric]))
		}
		rows = append(rows, f.otherMeans(name)...)
	}
	return markdown.Table([]string{"Task", "Metric", "Documents", "Shots", "Value", "95 % interval"}, rows) + f.remarks()
}

func (f *File) summaryRow(name, metric string, s Stat) []any {
	shots := ""
	if n, ok := f.content.Object("n-shot").Get(name); ok {
		shots = py.Str(n)
	}
	interval := ""
	if !math.IsNaN(s.StdErr) {
		low, high := s.interval()
		interval = fmt.Sprintf("%.4f to %.4f", low, high)
	}
	return []any{name, metric, fmt.Sprint(s.N), shots, fmt.Sprintf("%.4f", s.Value), interval}
}

// otherMeans are a group's means of the kind that is not its own.
func (f *File) otherMeans(name string) [][]any {
	g := f.groups.find(name)
	if g == nil {
		return nil
	}
	var rows [][]any
	for _, a := range g.Aggregate {
		kind := " (mean of tasks)"
		if !a.WeightBySize {
			kind = " (by documents)"
		}
		other := Aggregate{a.Metric, !a.WeightBySize}
		if s, ok := other.of(f.groups.leaves(g), f.Stats); ok {
			rows = append(rows, f.summaryRow(name, a.Metric+kind, s))
		}
	}
	return rows
}

// remarks tell the preset, the work and the truncation.
func (f *File) remarks() string {
	own := f.content.Object("stepwise")
	if len(own) == 0 {
		return ""
	}
	get := func(of py.Object, key string) string {
		v, _ := of.Get(key)
		return py.Str(v)
	}
	tokens := own.Object("tokens")
	var b strings.Builder
	fmt.Fprintf(&b, "preset %s; tokens: %s each completion alone, %s as lm-eval batches them, %s processed\n",
		get(own, "preset"), get(tokens, "naive"), get(tokens, "as_lm_eval"), get(tokens, "shared"))
	if n := get(own, "truncated"); n != "0" {
		fmt.Fprintf(&b, "%s of %s completions had a prompt that did not fit the window and lost tokens on the left\n", n, get(own, "completions"))
	}
	return b.String()
}
