package results

import (
	"slices"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Group is a set of tasks with a number of its own, as its definition in TOML has
// it.
type Group struct {
	Name  string   `toml:"group"`
	Alias string   `toml:"group_alias"` // as printed; default: Name
	Tasks []string `toml:"tasks"`       // tasks and groups
	// Aggregate are the metrics of the tasks below whose mean is the group's.
	Aggregate []Aggregate `toml:"aggregate"`
	// MeanOf, "task/metric" each, is the group's number instead: their mean
	// times Scale, under the group's name.
	MeanOf  []string `toml:"mean_of"`
	Scale   float64  `toml:"scale"`
	Version string   `toml:"version"`
}

// Aggregate says how a metric of the tasks becomes one of the group.
type Aggregate struct {
	Metric       string `toml:"metric"`
	WeightBySize bool   `toml:"weight_by_size"` // by documents, else all tasks alike
}

// Metrics names what the group may have results of, in order.
func (g *Group) Metrics() []string {
	var names []string
	for _, a := range g.Aggregate {
		names = append(names, a.Metric)
	}
	if len(g.MeanOf) > 0 {
		names = append(names, g.Name)
	}
	return names
}

func (g *Group) displayName() string {
	if g.Alias != "" {
		return g.Alias
	}
	return g.Name
}

// rule is how the group's numbers come about, as the results file tells it.
func (g *Group) rule() py.Object {
	var aggregates []py.Object
	for _, a := range g.Aggregate {
		aggregates = append(aggregates, py.Object{{Key: "metric", Value: a.Metric}, {Key: "weight_by_size", Value: a.WeightBySize}})
	}
	return py.Object{{Key: "aggregate", Value: aggregates}, {Key: "mean_of", Value: g.MeanOf}, {Key: "scale", Value: g.Scale}}
}

// groupFromRule is the inverse of rule.
func groupFromRule(name, alias string, tasks []string, rule py.Object) *Group {
	g := &Group{Name: name, Alias: alias, Tasks: tasks, MeanOf: rule.Texts("mean_of")}
	scale, _ := rule.Get("scale")
	g.Scale, _ = scale.(float64)
	aggregates, _ := rule.Get("aggregate")
	list, _ := aggregates.([]any)
	for _, e := range list {
		a, _ := e.(py.Object)
		metric, _ := a.Get("metric")
		bySize, _ := a.Get("weight_by_size")
		g.Aggregate = append(g.Aggregate, Aggregate{py.Str(metric), bySize == true})
	}
	return g
}

// Groups are in lm-eval's order, each before those that it contains.
type Groups []*Group

// find returns the group of that name, or nil.
func (gs Groups) find(name string) *Group {
	if i := slices.IndexFunc(gs, func(g *Group) bool { return g.Name == name }); i >= 0 {
		return gs[i]
	}
	return nil
}

// leaves returns the names of the tasks below a group, in order.
func (gs Groups) leaves(g *Group) []string {
	var names []string
	for _, member := range g.Tasks {
		if inner := gs.find(member); inner != nil {
			names = append(names, gs.leaves(inner)...)
		} else {
			names = append(names, member)
		}
	}
	return names
}

// BottomUp returns the groups, each after those that it contains.
func (gs Groups) BottomUp() Groups {
	var order Groups
	var visit func(g *Group)
	visit = func(g *Group) {
		if slices.Contains(order, g) {
			return
		}
		for _, member := range g.Tasks {
			if inner := gs.find(member); inner != nil {
				visit(inner)
			}
		}
		order = append(order, g)
	}
	for _, g := range gs {
		visit(g)
	}
	return order
}
