package results

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/markdown"
)

// Comparison sets several models side by side on the same documents.
type Comparison struct {
	models []*File
	// differences are of each model to the first, document by document.
	differences []Stats
}

// Compare sets models side by side. All must have been evaluated on the same
// documents of the same tasks. The first is what the others are compared with.
func Compare(models []*File) (*Comparison, error) {
	if len(models) < 2 {
		return nil, errors.New("a comparison needs at least two models")
	}
	c := &Comparison{models: models}
	for _, m := range models {
		d, err := difference(models[0], m)
		if err != nil {
			return nil, fmt.Errorf("compare %q with %q: %w", m.Model, models[0].Model, err)
		}
		c.differences = append(c.differences, d)
	}
	return c, nil
}

// difference is the mean of b - a over the documents, task by task, and of the
// groups made of them; its standard error is that of paired values.
func difference(a, b *File) (Stats, error) {
	if !slices.Equal(a.tasks, b.tasks) {
		return nil, fmt.Errorf("the tasks differ: %s and %s", strings.Join(a.tasks, ", "), strings.Join(b.tasks, ", "))
	}
	if err := sameMetrics(a, b); err != nil {
		return nil, err
	}
	d := Stats{}
	for _, task := range a.tasks {
		var err error
		if d[task], err = paired(a.docs[task], b.docs[task]); err != nil {
			return nil, fmt.Errorf("task %q: %w", task, err)
		}
	}
	for name, results := range a.groups.aggregate(d) {
		d[name] = results
	}
	return d, nil
}

// sameMetrics refuses results of a that b lacks, or the other way round: of
// tasks, and of the groups that a has.
func sameMetrics(a, b *File) error {
	for _, name := range slices.Sorted(maps.Keys(a.Stats)) {
		first, second := slices.Sorted(maps.Keys(a.Stats[name])), slices.Sorted(maps.Keys(b.Stats[name]))
		if !slices.Equal(first, second) {
			return fmt.Errorf("the metrics of %q differ: %q has [%s], %q has [%s]; evaluate both with the same tasks and preset",
				name, a.Model, strings.Join(first, ", "), b.Model, strings.Join(second, ", "))
		}
	}
	return nil
}

// paired summarizes the differences of every metric.
func paired(a, b []document) (map[string]Stat, error) {
	if len(a) != len(b) {
		return nil, fmt.Errorf("%d documents and %d", len(a), len(b))
	}
	values := map[string][]float64{}
	for i := range a {
		if a[i].hash != b[i].hash {
			return nil, fmt.Errorf("document %d differs", i)
		}
		if !maps.EqualFunc(a[i].values, b[i].values, func(_, _ float64) bool { return true }) {
			return nil, fmt.Errorf("the metrics of document %d differ", i)
		}
		for metric, v := range a[i].values {
			values[metric] = append(values[metric], b[i].values[metric]-v)
		}
	}
	stats := map[string]Stat{}
	for metric, v := range values {
		stats[metric] = summarize(v)
	}
	return stats, nil
}

// entry is a column of the table: a result, and the factor that makes it per
// cent.
type entry struct {
	name, metric string
	percent      float64
}

func (e entry) title() string {
	if e.name == e.metric {
		return e.name
	}
	return e.name + " " + e.metric
}

// entries are the results that a table or plot shows: of a mean over named
// results, it and them; else every metric of what stands at the top.
func (c *Comparison) entries() []entry {
	first := c.models[0]
	var list []entry
	below := first.groups.below()
	for _, g := range first.groups {
		if !below[g.Name] {
			list = append(list, g.entries()...)
		}
	}
	for _, task := range first.tasks {
		if below[task] {
			continue
		}
		for _, metric := range first.content.Object("higher_is_better").Object(task).Keys() {
			list = append(list, entry{task, metric, 100})
		}
	}
	return slices.DeleteFunc(list, func(e entry) bool {
		_, ok := first.Stats[e.name][e.metric]
		return !ok
	})
}

// entries are the group's metrics, and what its mean is of.
func (g *Group) entries() []entry {
	var list []entry
	for _, metric := range g.Metrics() {
		scale := g.Scale
		if metric != g.Name {
			scale = 1
		}
		list = append(list, entry{g.Name, metric, 100 / scale})
	}
	for _, of := range g.MeanOf {
		name, metric, _ := strings.Cut(of, "/")
		list = append(list, entry{name, metric, 100})
	}
	return list
}

// below names the tasks and groups that are part of a group.
func (gs Groups) below() map[string]bool {
	below := map[string]bool{}
	for _, g := range gs {
		for _, member := range slices.Concat(g.Tasks, gs.leaves(g)) {
			below[member] = true
		}
	}
	return below
}

// Table is the layout of the sDPO paper's Table 2, a model a line and a benchmark
// a column in per cent, followed by the paired differences to the first model.
func (c *Comparison) Table() string {
	entries := c.entries()
	headers := []string{"Model"}
	for _, e := range entries {
		headers = append(headers, e.title())
	}
	var rows [][]any
	for _, m := range c.models {
		row := []any{m.Model}
		for _, e := range entries {
			row = append(row, fmt.Sprintf("%.2f", m.Stats[e.name][e.metric].Value*e.percent))
		}
		rows = append(rows, row)
	}
	return markdown.Table(headers, rows) + "\n" + c.differenceTable(entries)
}

// differenceTable has a line for each model but the first and each benchmark.
func (c *Comparison) differenceTable(entries []entry) string {
	var rows [][]any
	for i, d := range c.differences[1:] {
		for _, e := range entries {
			s := d[e.name][e.metric]
			low, high := s.interval()
			rows = append(rows, []any{c.models[i+1].Model, e.title(), fmt.Sprintf("%+.2f", s.Value*e.percent), fmt.Sprintf("%.2f", s.StdErr*e.percent),
				fmt.Sprintf("%+.2f to %+.2f", low*e.percent, high*e.percent)})
		}
	}
	return markdown.Table([]string{"Model", "Against " + c.models[0].Model, "Difference", "Stderr", "95 % interval"}, rows)
}
