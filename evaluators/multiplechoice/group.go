package multiplechoice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// Group is a set of tasks with a number of its own.
type Group struct {
	results.Group
	// Set changes settings of members, and of all tasks of a member group.
	Set map[string]Setting `toml:"set"`
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

// selection is what a run evaluates, in lm-eval's order.
type selection struct {
	tasks  []*Definition
	groups results.Groups
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
	if !slices.Contains(s.groups, &g.Group) {
		if err := c.checkNumbers(g); err != nil {
			return err
		}
		s.groups = append(s.groups, &g.Group)
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
