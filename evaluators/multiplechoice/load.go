package multiplechoice

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Results are what one evaluation of one model wrote into its folder.
type Results struct {
	// Model is the name that tables and plots give to the model.
	Model string

	file   py.Object
	chosen *selection // the groups; tasks have but their names
	tasks  []string
	docs   map[string][]document // of each task
	all    outcomes              // of tasks and groups
}

// document is one line of a samples file.
type document struct {
	hash   string
	values map[string]float64
}

// Load reads the newest results_*.json in dir and the samples of its tasks.
func Load(dir string) (*Results, error) {
	paths, err := globIn(dir, "results_*.json")
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("folder %q holds no results_*.json; let an evaluation write into it first", dir)
	}
	path := slices.Max(paths)
	r, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("results file %q: %w", path, err)
	}
	return r, nil
}

func load(path string) (*Results, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v, err := py.ParseJSON(data)
	if err != nil {
		return nil, err
	}
	file, ok := v.(py.Object)
	if !ok || len(object(file, "results")) == 0 {
		return nil, errors.New("it holds no results")
	}
	name, _ := file.Get("model_name")
	r := &Results{Model: py.Str(name), file: file, docs: map[string][]document{}, all: outcomes{}}
	r.tasks = object(file, "configs").Keys()
	r.readGroups()
	r.readValues()
	date := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "results_"), ".json")
	for _, task := range r.tasks {
		samples := filepath.Join(filepath.Dir(path), fmt.Sprintf("samples_%s_%s.jsonl", task, date))
		if r.docs[task], err = readSamples(samples); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Results) readGroups() {
	r.chosen = &selection{}
	rules := object(object(r.file, "stepwise"), "groups")
	subtasks := object(r.file, "group_subtasks")
	for _, name := range subtasks.Keys() {
		alias, _ := object(object(r.file, "results"), name).Get("alias")
		g := groupFromRule(name, py.Str(alias), texts(subtasks, name), object(rules, name))
		r.chosen.groups = append(r.chosen.groups, g)
	}
}

// readValues fills all from the results' "metric,none" and
// "metric_stderr,none".
func (r *Results) readValues() {
	for _, m := range object(r.file, "results") {
		values, _ := m.Value.(py.Object)
		r.all[m.Key] = map[string]summary{}
		n, _ := values.Get("sample_len")
		count, _ := n.(int64)
		for _, v := range values {
			metric, _, isMetric := strings.Cut(v.Key, ",")
			value, isNumber := v.Value.(float64)
			if !isMetric || !isNumber || strings.HasSuffix(metric, "_stderr") {
				continue
			}
			s := summary{value, math.NaN(), int(count)}
			if se, ok := values.Get(metric + "_stderr,none"); ok {
				if f, ok := se.(float64); ok {
					s.stdErr = f
				}
			}
			r.all[m.Key][metric] = s
		}
	}
}

func readSamples(path string) ([]document, error) {
	rows, err := readFile(path, File{})
	if err != nil {
		return nil, err
	}
	docs := make([]document, len(rows))
	for i, row := range rows {
		hash, _ := row.Get("doc_hash")
		docs[i] = document{py.Str(hash), map[string]float64{}}
		for _, metric := range texts(row, "metrics") {
			v, _ := row.Get(metric)
			f, ok := v.(float64)
			if !ok {
				return nil, fmt.Errorf("samples file %q: line %d: metric %q is %s and no number", path, i+1, metric, py.Str(v))
			}
			docs[i].values[metric] = f
		}
	}
	return docs, nil
}

// Table is the table that lm-eval prints, and that of the groups, if any.
func (r *Results) Table() string {
	table := lmEvalTable(r.file, "results")
	if len(object(r.file, "groups")) > 0 {
		table += "\n" + lmEvalTable(r.file, "groups")
	}
	return table
}
