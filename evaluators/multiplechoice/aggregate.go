package multiplechoice

import "strings"

// outcomes are results by task or group, and then by metric.
type outcomes map[string]map[string]summary

// aggregate computes the metrics of the groups from those of the tasks below.
// Tasks without results are left out, as in lm-eval; a mean of named results is
// given only where all of them are there.
func aggregate(chosen *selection, tasks outcomes) outcomes {
	groups := outcomes{}
	for _, g := range chosen.bottomUp() {
		results := map[string]summary{}
		for _, a := range g.Aggregate {
			if s, ok := a.of(chosen.leaves(g), tasks); ok {
				results[a.Metric] = s
			}
		}
		if s, ok := g.mean(tasks, groups); ok {
			results[g.Name] = s
		}
		groups[g.Name] = results
	}
	return groups
}

// of aggregates one metric over the tasks that have it.
func (a Aggregate) of(leaves []string, tasks outcomes) (summary, bool) {
	var parts []summary
	for _, name := range leaves {
		if s, ok := tasks[name][a.Metric]; ok {
			parts = append(parts, s)
		}
	}
	switch {
	case len(parts) == 0:
		return summary{}, false
	case a.WeightBySize:
		return weighted(parts), true
	}
	return unweighted(parts), true
}

// mean is the group's own number: the mean of the results that MeanOf names,
// times Scale.
func (g *Group) mean(tasks, groups outcomes) (summary, bool) {
	var parts []summary
	for _, of := range g.MeanOf {
		name, metric, _ := strings.Cut(of, "/")
		s, ok := tasks[name][metric]
		if !ok {
			if s, ok = groups[name][metric]; !ok {
				return summary{}, false
			}
		}
		parts = append(parts, s)
	}
	if len(parts) == 0 {
		return summary{}, false
	}
	s := unweighted(parts)
	return summary{s.value * g.Scale, s.stdErr * g.Scale, s.n}, true
}

// metrics names what the group may have results of, in order.
func (g *Group) metrics() []string {
	var names []string
	for _, a := range g.Aggregate {
		names = append(names, a.Metric)
	}
	if len(g.MeanOf) > 0 {
		names = append(names, g.Name)
	}
	return names
}
