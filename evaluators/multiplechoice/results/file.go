package results

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// A File is a results file, read back with the samples beside it.
type File struct {
	// Model is the name that tables and plots give to the model.
	Model string
	// Stats are of the tasks and groups.
	Stats Stats

	content py.Object
	tasks   []string
	groups  Groups
	docs    map[string][]document // of each task
}

// Load reads the newest results_*.json in dir and the samples of its tasks.
func Load(dir string) (*File, error) {
	names, err := fs.Glob(os.DirFS(dir), resultsName("*"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("folder %q holds no %s; let an evaluation write into it first", dir, resultsName("*"))
	}
	newest := slices.Max(names)
	f, err := load(dir, newest)
	if err != nil {
		return nil, fmt.Errorf("results file %q: %w", filepath.Join(dir, newest), err)
	}
	return f, nil
}

func load(dir, name string) (*File, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	v, err := py.ParseJSON(data)
	if err != nil {
		return nil, err
	}
	content, ok := v.(py.Object)
	if !ok || len(content.Object("results")) == 0 {
		return nil, errors.New("it holds no results")
	}
	model, _ := content.Get("model_name")
	f := &File{Model: py.Str(model), Stats: Stats{}, content: content, tasks: content.Object("configs").Keys(), docs: map[string][]document{}}
	f.readGroups()
	f.readStats()
	prefix, suffix, _ := strings.Cut(resultsName("*"), "*")
	date := strings.TrimSuffix(strings.TrimPrefix(name, prefix), suffix)
	for _, task := range f.tasks {
		if f.docs[task], err = readSamples(filepath.Join(dir, samplesName(task, date))); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *File) readGroups() {
	rules := f.content.Object("stepwise").Object("groups")
	subtasks := f.content.Object("group_subtasks")
	for _, name := range subtasks.Keys() {
		alias, _ := f.content.Object("results").Object(name).Get("alias")
		f.groups = append(f.groups, groupFromRule(name, py.Str(alias), subtasks.Texts(name), rules.Object(name)))
	}
}

// readStats fills Stats from the results' "metric,none" and
// "metric_stderr,none".
func (f *File) readStats() {
	for _, m := range f.content.Object("results") {
		values, _ := m.Value.(py.Object)
		f.Stats[m.Key] = map[string]Stat{}
		n, _ := values.Get("sample_len")
		count, _ := n.(int64)
		for _, v := range values {
			metric, _, isMetric := strings.Cut(v.Key, ",")
			value, isNumber := v.Value.(float64)
			if !isMetric || !isNumber || strings.HasSuffix(metric, "_stderr") {
				continue
			}
			s := Stat{value, math.NaN(), int(count)}
			if se, ok := values.Get(metric + "_stderr,none"); ok {
				if f, ok := se.(float64); ok {
					s.StdErr = f
				}
			}
			f.Stats[m.Key][metric] = s
		}
	}
}

// Table is the table that lm-eval prints, and that of the groups, if any.
func (f *File) Table() string {
	table := lmEvalTable(f.content, "results")
	if len(f.content.Object("groups")) > 0 {
		table += "\n" + lmEvalTable(f.content, "groups")
	}
	return table
}
