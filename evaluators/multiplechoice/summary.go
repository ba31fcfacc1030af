package multiplechoice

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
func (r *Results) Summary() string {
	var rows [][]any
	_, names := hierarchy(object(r.file, "group_subtasks"), slices.Collect(maps.Keys(r.all)))
	for _, name := range names {
		for _, metric := range slices.Sorted(maps.Keys(r.all[name])) {
			rows = append(rows, r.summaryRow(name, metric, r.all[name][metric]))
		}
		rows = append(rows, r.otherMeans(name)...)
	}
	return markdown.Table([]string{"Task", "Metric", "Documents", "Shots", "Value", "95 % interval"}, rows) + r.remarks()
}

func (r *Results) summaryRow(name, metric string, s summary) []any {
	shots := ""
	if n, ok := object(r.file, "n-shot").Get(name); ok {
		shots = py.Str(n)
	}
	interval := ""
	if !math.IsNaN(s.stdErr) {
		interval = fmt.Sprintf("%.4f to %.4f", s.value-z95*s.stdErr, s.value+z95*s.stdErr)
	}
	return []any{name, metric, fmt.Sprint(s.n), shots, fmt.Sprintf("%.4f", s.value), interval}
}

// otherMeans are a group's means of the kind that is not its own.
func (r *Results) otherMeans(name string) [][]any {
	i := slices.IndexFunc(r.chosen.groups, func(g *Group) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	var rows [][]any
	for _, a := range r.chosen.groups[i].Aggregate {
		kind := " (mean of tasks)"
		if !a.WeightBySize {
			kind = " (by documents)"
		}
		other := Aggregate{a.Metric, !a.WeightBySize}
		if s, ok := other.of(r.chosen.leaves(r.chosen.groups[i]), r.all); ok {
			rows = append(rows, r.summaryRow(name, a.Metric+kind, s))
		}
	}
	return rows
}

// remarks tell the preset, the work and the truncation.
func (r *Results) remarks() string {
	own := object(r.file, "stepwise")
	if len(own) == 0 {
		return ""
	}
	get := func(of py.Object, key string) string {
		v, _ := of.Get(key)
		return py.Str(v)
	}
	tokens := object(own, "tokens")
	var b strings.Builder
	fmt.Fprintf(&b, "preset %s; tokens: %s each completion alone, %s as lm-eval batches them, %s processed\n",
		get(own, "preset"), get(tokens, "naive"), get(tokens, "as_lm_eval"), get(tokens, "shared"))
	if n := get(own, "truncated"); n != "0" {
		fmt.Fprintf(&b, "%s of %s completions had a prompt that did not fit the window and lost tokens on the left\n", n, get(own, "completions"))
	}
	return b.String()
}
