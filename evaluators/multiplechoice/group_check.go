package multiplechoice

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkSettings reports settings that are of none of the members.
func (g *Group) checkSettings(members []string) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(g.Set)) {
		if !slices.Contains(members, name) {
			faults = append(faults, fmt.Errorf("group %q: set.%s: %q is none of its tasks, which are: %s", g.Name, name, name, strings.Join(g.Tasks, ", ")))
		}
	}
	return errors.Join(faults...)
}

// checkNumbers reports numbers of the group that nothing below it can give.
func (c *catalog) checkNumbers(g *Group) error {
	below := c.below(g)
	var faults []error
	for _, a := range g.Aggregate {
		has := func(name string) bool {
			return c.tasks[name] != nil && slices.Contains(c.tasks[name].Metrics, a.Metric)
		}
		if !slices.ContainsFunc(below, has) {
			faults = append(faults, fmt.Errorf("group %q: aggregate: none of its tasks has the metric %q", g.Name, a.Metric))
		}
	}
	for _, of := range g.MeanOf {
		name, metric, _ := strings.Cut(of, "/")
		if !slices.Contains(below, name) {
			faults = append(faults, fmt.Errorf("group %q: mean_of %q: %q is none of its tasks and groups, which are: %s", g.Name, of, name, strings.Join(below, ", ")))
		} else if has := c.metrics(name); !slices.Contains(has, metric) {
			faults = append(faults, fmt.Errorf("group %q: mean_of %q: %q has not the metric %q but: %s", g.Name, of, name, metric, strings.Join(has, ", ")))
		}
	}
	return errors.Join(faults...)
}

// below are the tasks and groups that a group is made of, at any depth.
func (c *catalog) below(g *Group) []string {
	var all []string
	for _, member := range g.Tasks {
		all = append(all, member)
		if inner, ok := c.groups[member]; ok {
			all = append(all, c.below(inner)...)
		}
	}
	return all
}

// metrics names what a task or group has results of.
func (c *catalog) metrics(name string) []string {
	if d, ok := c.tasks[name]; ok {
		return d.Metrics
	}
	return c.groups[name].Metrics()
}
