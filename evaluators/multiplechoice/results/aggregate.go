package results

import "strings"

// aggregate computes the metrics of the groups from those of the tasks below.
// Tasks without results are left out, as in lm-eval; a mean of named results is
// given only where all of them are there.
func (gs Groups) aggregate(tasks Stats) Stats {
	groups := Stats{}
	for _, g := range gs.BottomUp() {
		stats := map[string]Stat{}
		for _, a := range g.Aggregate {
			if s, ok := a.of(gs.leaves(g), tasks); ok {
				stats[a.Metric] = s
			}
		}
		if s, ok := g.mean(tasks, groups); ok {
			stats[g.Name] = s
		}
		groups[g.Name] = stats
	}
	return groups
}

// of aggregates one metric over the tasks that have it.
func (a Aggregate) of(leaves []string, tasks Stats) (Stat, bool) {
	var parts []Stat
	for _, name := range leaves {
		if s, ok := tasks[name][a.Metric]; ok {
			parts = append(parts, s)
		}
	}
	switch {
	case len(parts) == 0:
		return Stat{}, false
	case a.WeightBySize:
		return weighted(parts), true
	}
	return unweighted(parts), true
}

// mean is the group's own number: the mean of the results that MeanOf names,
// times Scale.
func (g *Group) mean(tasks, groups Stats) (Stat, bool) {
	var parts []Stat
	for _, of := range g.MeanOf {
		name, metric, _ := strings.Cut(of, "/")
		s, ok := tasks[name][metric]
		if !ok {
			if s, ok = groups[name][metric]; !ok {
				return Stat{}, false
			}
		}
		parts = append(parts, s)
	}
	if len(parts) == 0 {
		return Stat{}, false
	}
	s := unweighted(parts)
	return Stat{s.Value * g.Scale, s.StdErr * g.Scale, s.N}, true
}
