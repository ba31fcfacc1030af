package results

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/markdown"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// lmEvalTable is make_table of lm-eval's utils.py over the content of a results
// file; column is "results" or "groups".
func lmEvalTable(results py.Object, column string) string {
	title := "Tasks"
	if column == "groups" {
		title = "Groups"
	}
	headers := []string{title, "Version", "Filter", "n-shot", "Metric", "", "Value", "", "Stderr"}
	var rows [][]any
	depth, names := hierarchy(results.Object("group_subtasks"), results.Object(column).Keys())
	for _, name := range names {
		rows = append(rows, taskRows(results, column, name, depth[name])...)
	}
	return markdown.Table(headers, rows)
}

// taskRows are the lines of a task or group, one a metric.
func taskRows(results py.Object, column, name string, depth int) [][]any {
	values := results.Object(column).Object(name)
	display, shots, version := any(name), any(" "), any("    N/A")
	if alias, ok := values.Get("alias"); ok {
		display = alias
	}
	if depth > 0 {
		display = strings.Repeat(" ", depth) + "- " + py.Str(display)
	}
	if n, ok := results.Object("n-shot").Get(name); ok {
		shots = py.Str(n)
	}
	if v, ok := results.Object("versions").Get(name); ok {
		version = v
	}
	better := results.Object("higher_is_better").Object(name)
	var rows [][]any
	keys := values.Keys()
	slices.Sort(keys)
	for _, key := range keys {
		metric, filter, _ := strings.Cut(key, ",")
		if slices.Contains([]string{"alias", "name", "sample_len", "sample_count"}, key) || strings.HasSuffix(metric, "_stderr") {
			continue
		}
		value, _ := values.Get(key)
		sign, stdErr := "", ""
		if se, ok := values.Get(metric + "_stderr," + filter); ok {
			sign, stdErr = "±", fourDecimals(se)
			if se == "N/A" {
				stdErr = "   N/A"
			}
		}
		rows = append(rows, []any{display, version, filter, shots, metric, arrow(better, metric), fourDecimals(value), sign, stdErr})
		display, version = "", ""
	}
	return rows
}

func fourDecimals(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.4f", f)
	}
	return py.Str(v)
}

func arrow(better py.Object, metric string) string {
	switch v, _ := better.Get(metric); v {
	case true:
		return "↑"
	case false:
		return "↓"
	}
	return ""
}

// hierarchy orders names as a walk of the groups' trees, children by name, and
// then the rest by name; it also returns how deep each stands.
func hierarchy(subtasks py.Object, available []string) (depth map[string]int, order []string) {
	depth = map[string]int{}
	var visit func(name string, level int)
	visit = func(name string, level int) {
		depth[name] = level
		if slices.Contains(available, name) {
			order = append(order, name)
		}
		for _, child := range children(subtasks, name) {
			visit(child, level+1)
		}
	}
	below := map[string]bool{}
	for _, g := range subtasks.Keys() {
		for _, child := range children(subtasks, g) {
			below[child] = true
		}
	}
	for _, g := range slices.Sorted(slices.Values(subtasks.Keys())) {
		if !below[g] {
			visit(g, 0)
		}
	}
	for _, name := range slices.Sorted(slices.Values(available)) {
		if _, ok := depth[name]; !ok {
			order = append(order, name)
		}
	}
	return depth, order
}

// children are the members of a group, sorted.
func children(subtasks py.Object, group string) []string {
	names := subtasks.Texts(group)
	slices.Sort(names)
	return names
}
