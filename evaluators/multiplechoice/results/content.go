package results

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// content is what results_*.json holds of a run.
type content struct {
	*Run
	stats Stats
}

func newContent(r *Run) *content { return &content{r, r.Stats()} }

// all are the keys of lm-eval 0.4.13 in its order, and what stepwise adds under a
// key of its own at the end.
func (c *content) all() py.Object {
	all := py.Object{{Key: "results", Value: c.values()}}
	if groups := c.groupValues(); len(groups) > 0 {
		all.Set("groups", groups)
	}
	all = append(all, c.tables()...)
	all = append(all, c.environment()...)
	return append(all, py.Member{Key: "stepwise", Value: c.own()})
}

// values are the metrics of every task and group.
func (c *content) values() py.Object {
	values := py.Object{}
	for _, t := range c.Tasks {
		v := py.Object{
			{Key: "name", Value: t.Name},
			{Key: "alias", Value: t.Alias},
			{Key: "sample_len", Value: len(t.Samples)},
		}
		for _, m := range t.Metrics {
			setMetric(&v, m, c.stats[t.Name][m])
		}
		values.Set(t.Name, v)
	}
	for _, g := range c.Groups.BottomUp() {
		values.Set(g.Name, c.groupValue(g))
	}
	return values
}

func setMetric(v *py.Object, metric string, s Stat) {
	v.Set(metric+",none", s.Value)
	if math.IsNaN(s.StdErr) {
		v.Set(metric+"_stderr,none", "N/A")
	} else {
		v.Set(metric+"_stderr,none", s.StdErr)
	}
}

// groupValues are the groups that have a number of their own.
func (c *content) groupValues() py.Object {
	values := py.Object{}
	for _, g := range c.Groups.BottomUp() {
		if len(g.Metrics()) > 0 {
			values.Set(g.Name, c.groupValue(g))
		}
	}
	return values
}

func (c *content) groupValue(g *Group) py.Object {
	v := py.Object{{Key: "alias", Value: g.displayName()}, {Key: "name", Value: g.Name}}
	if len(g.Metrics()) == 0 {
		return v
	}
	leaves, documents := c.Groups.leaves(g), 0
	for _, t := range c.Tasks {
		if slices.Contains(leaves, t.Name) {
			documents += len(t.Samples)
		}
	}
	v.Set("sample_len", documents)
	counts := py.Object{}
	for _, m := range g.Metrics() {
		if s, ok := c.stats[g.Name][m]; ok {
			setMetric(&v, m, s)
			counts.Set(m+",none", s.N)
		}
	}
	if len(counts) > 0 {
		v.Set("sample_count", counts)
	}
	return v
}

// tables are the entries from group_subtasks to n-samples.
func (c *content) tables() py.Object {
	var subtasks, configs, versions, shotCounts, better, samples py.Object
	for _, g := range c.Groups {
		subtasks.Set(g.Name, g.Tasks)
		versions.Set(g.Name, orNA(g.Version))
	}
	for _, t := range c.Tasks {
		configs.Set(t.Name, c.config(t))
		versions.Set(t.Name, t.Version)
		shotCounts.Set(t.Name, t.Shots)
		better.Set(t.Name, allHigher(t.Metrics))
		samples.Set(t.Name, py.Object{{Key: "original", Value: t.Documents}, {Key: "effective", Value: len(t.Samples)}})
	}
	c.propagate(&shotCounts, &better)
	return py.Object{
		{Key: "group_subtasks", Value: filled(subtasks)},
		{Key: "configs", Value: sorted(configs)},
		{Key: "versions", Value: sorted(versions)},
		{Key: "n-shot", Value: sorted(shotCounts)},
		{Key: "higher_is_better", Value: sorted(better)},
		{Key: "n-samples", Value: samples},
	}
}

// config is a task's entry in configs.
func (c *content) config(t Task) py.Object {
	metadata := append(py.Object{{Key: "version", Value: t.Version}}, c.modelArgs()...)
	metadata.Set("config_source", "stepwise")
	return append(slices.Clone(t.Config), py.Member{Key: "metadata", Value: metadata})
}

// propagate gives groups the shots and directions of their direct members, in
// lm-eval's order, in which a group of groups comes before its members and so
// finds nothing.
func (c *content) propagate(shotCounts, better *py.Object) {
	for _, g := range c.Groups {
		counts := map[any]bool{}
		var metrics []string
		for _, member := range g.Tasks {
			if n, ok := shotCounts.Get(member); ok {
				counts[n] = true
			}
			if b, ok := better.Get(member); ok {
				metrics = append(metrics, b.(py.Object).Keys()...)
			}
		}
		if len(counts) == 1 {
			for n := range counts {
				shotCounts.Set(g.Name, n)
			}
		}
		if len(metrics) > 0 {
			better.Set(g.Name, allHigher(metrics))
		}
	}
}

func allHigher(metrics []string) py.Object {
	o := py.Object{}
	for _, m := range metrics {
		o.Set(m, true)
	}
	return o
}

func orNA(version string) string {
	if version == "" {
		return "N/A"
	}
	return version
}

func filled(o py.Object) py.Object {
	if o == nil {
		return py.Object{}
	}
	return o
}

func sorted(o py.Object) py.Object {
	s := slices.Clone(o)
	slices.SortFunc(s, func(a, b py.Member) int { return strings.Compare(a.Key, b.Key) })
	return s
}

// own is what lm-eval has no key for.
func (c *content) own() py.Object {
	return py.Object{
		{Key: "preset", Value: c.Preset},
		{Key: "tokens", Value: py.Object{
			{Key: "naive", Value: c.Tokens.Naive},
			{Key: "as_lm_eval", Value: c.Tokens.Grouped},
			{Key: "shared", Value: c.Tokens.Shared},
		}},
		{Key: "completions", Value: c.Completions},
		{Key: "truncated", Value: c.Truncated},
		{Key: "log_softmax", Value: "float32, whatever the type of the weights"},
		{Key: "confidence_95", Value: c.intervals()},
		{Key: "groups", Value: c.groupRules()},
	}
}

// groupRules say how each group's numbers come about.
func (c *content) groupRules() py.Object {
	rules := py.Object{}
	for _, g := range c.Groups {
		rules.Set(g.Name, g.rule())
	}
	return rules
}

// intervals are the metrics' 95 % confidence intervals, value ± 1.96 stderr.
func (c *content) intervals() py.Object {
	intervals := py.Object{}
	add := func(name string) {
		for _, m := range slices.Sorted(maps.Keys(c.stats[name])) {
			if s := c.stats[name][m]; !math.IsNaN(s.StdErr) {
				low, high := s.interval()
				intervals.Set(name+"/"+m, []any{low, high})
			}
		}
	}
	for _, t := range c.Tasks {
		add(t.Name)
	}
	for _, g := range c.Groups.BottomUp() {
		add(g.Name)
	}
	return intervals
}
