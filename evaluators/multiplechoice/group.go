package multiplechoice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Group is a set of tasks with a number of its own.
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
	// Set changes settings of members, and of all tasks of a member group.
	Set map[string]Setting `toml:"set"`
}

// Aggregate says how a metric of the tasks becomes one of the group.
type Aggregate struct {
	Metric       string `toml:"metric"`
	WeightBySize bool   `toml:"weight_by_size"` // by documents, else all tasks alike
}

// Setting is what a group changes of a task.
type Setting struct {
	NumFewshot   *int    `toml:"num_fewshot"`
	FewshotSplit *string `toml:"fewshot_split"`
}

func (s Setting) apply(d *Definition) {
	if s.NumFewshot != nil {
		d.NumFewshot = s.NumFewshot
	}
	if s.FewshotSplit != nil {
		d.FewshotSplit = *s.FewshotSplit
	}
}

func (g *Group) displayName() string {
	if g.Alias != "" {
		return g.Alias
	}
	return g.Name
}

// selection is what a run evaluates, in lm-eval's order.
type selection struct {
	tasks  []*Definition
	groups []*Group // each before the groups it contains
}

// choose resolves the names that a user asked for. numFewshot, where not nil,
// overrides the shots of every task that does not fix them at 0.
func (c *catalog) choose(asked []string, numFewshot *int) (*selection, error) {
	s := &selection{}
	for _, name := range asked {
		if _, ok := c.tasks[name]; !ok && c.aliases[name] != "" {
			name = c.aliases[name]
		}
		if err := c.add(s, name, nil); err != nil {
			return nil, err
		}
	}
	for _, d := range s.tasks {
		fixed := d.NumFewshot != nil && *d.NumFewshot == 0
		if numFewshot != nil && !fixed {
			d.NumFewshot = numFewshot
		}
	}
	return s, nil
}

// add appends a task, or a group and all below it, with the settings of the
// groups around it, the outermost last.
func (c *catalog) add(s *selection, name string, around []Setting) error {
	if d, ok := c.tasks[name]; ok {
		own := *d
		for _, set := range slices.Backward(around) {
			set.apply(&own)
		}
		return s.addTask(&own)
	}
	g, ok := c.groups[name]
	if !ok {
		return fmt.Errorf("no task or group %q; there are: %s", name, strings.Join(c.names(), ", "))
	}
	if !slices.Contains(s.groups, g) {
		if err := c.checkNumbers(g); err != nil {
			return err
		}
		s.groups = append(s.groups, g)
	}
	for _, member := range g.Tasks {
		if err := c.add(s, member, append(slices.Clone(around), g.Set[member])); err != nil {
			return err
		}
	}
	return nil
}

func (s *selection) addTask(d *Definition) error {
	for _, other := range s.tasks {
		if other.Task != d.Task {
			continue
		}
		if shots(other) != shots(d) || other.FewshotSplit != d.FewshotSplit {
			return fmt.Errorf("task %q is asked for twice with different shots (%d from %q, %d from %q); run them apart",
				d.Task, shots(other), other.FewshotSplit, shots(d), d.FewshotSplit)
		}
		return nil
	}
	s.tasks = append(s.tasks, d)
	return nil
}

// shots is the number of examples before the question.
func shots(d *Definition) int {
	if d.NumFewshot == nil {
		return 0
	}
	return *d.NumFewshot
}

// leaves returns the names of the tasks below a group, in order.
func (s *selection) leaves(g *Group) []string {
	var names []string
	for _, member := range g.Tasks {
		i := slices.IndexFunc(s.groups, func(o *Group) bool { return o.Name == member })
		if i < 0 {
			names = append(names, member)
		} else {
			names = append(names, s.leaves(s.groups[i])...)
		}
	}
	return names
}

// bottomUp returns the groups, each after those that it contains.
func (s *selection) bottomUp() []*Group {
	var order []*Group
	var visit func(g *Group)
	visit = func(g *Group) {
		if slices.Contains(order, g) {
			return
		}
		for _, member := range g.Tasks {
			if i := slices.IndexFunc(s.groups, func(o *Group) bool { return o.Name == member }); i >= 0 {
				visit(s.groups[i])
			}
		}
		order = append(order, g)
	}
	for _, g := range s.groups {
		visit(g)
	}
	return order
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
	g := &Group{Name: name, Alias: alias, Tasks: tasks, MeanOf: texts(rule, "mean_of")}
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

// texts returns the list of strings under key.
func texts(of py.Object, key string) []string {
	v, _ := of.Get(key)
	list, _ := v.([]any)
	var all []string
	for _, e := range list {
		all = append(all, py.Str(e))
	}
	return all
}
