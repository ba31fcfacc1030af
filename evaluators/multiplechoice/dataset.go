package multiplechoice

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// library finds and reads the data of tasks below a folder.
type library struct {
	root string
	read map[string][]py.Object // by file and row mapping
}

func newLibrary(root string) *library {
	return &library{root, map[string][]py.Object{}}
}

// errNoData says that a split is in none of the places where it is looked for.
type errNoData struct {
	task, split, dataset, root string
	looked                     []string
}

func (e *errNoData) Error() string {
	return fmt.Sprintf("task %q: no data of split %q below %q; looked for %s; get it from https://huggingface.co/datasets/%s",
		e.task, e.split, e.root, strings.Join(e.looked, ", "), e.dataset)
}

// split returns the documents of a split in the hub's layout, with the task's
// own fields computed.
func (l *library) split(d *Definition, split string) ([]py.Object, error) {
	raw, err := l.raw(d, split)
	if err != nil {
		return nil, err
	}
	replace, err := compileMapping(d.Fields)
	if err != nil {
		return nil, fmt.Errorf("task %q: %w", d.Task, err)
	}
	extend, err := compileMapping(d.AddFields)
	if err != nil {
		return nil, fmt.Errorf("task %q: %w", d.Task, err)
	}
	docs := make([]py.Object, len(raw))
	for i, doc := range raw {
		if docs[i], err = process(doc, replace, extend); err != nil {
			return nil, fmt.Errorf("task %q: document %d of split %q: %w", d.Task, i, split, err)
		}
	}
	return docs, nil
}

func process(doc py.Object, replace, extend mapping) (py.Object, error) {
	out := slices.Clone(doc)
	if len(replace) > 0 {
		out = py.Object{}
		if err := replace.apply(doc, &out); err != nil {
			return nil, err
		}
	}
	return out, extend.apply(doc, &out)
}

// raw returns the documents as the files have them, in the hub's layout.
func (l *library) raw(d *Definition, split string) ([]py.Object, error) {
	if l.root == "" {
		return nil, fmt.Errorf("task %q: no data folder is given; set the option data (get the data from https://huggingface.co/datasets/%s)",
			d.Task, d.DatasetPath)
	}
	var looked []string
	for _, pattern := range hubPatterns(d, split) {
		paths, err := filepath.Glob(filepath.Join(l.root, pattern))
		if err != nil {
			return nil, err
		}
		if len(paths) > 0 {
			return l.files(paths, File{})
		}
		looked = append(looked, pattern)
	}
	for _, f := range d.Files {
		if f.Split != "" && f.Split != split {
			continue
		}
		pattern := fillPath(f.Path, d, split)
		path := filepath.Join(l.root, pattern)
		if _, err := os.Stat(path); err == nil {
			return l.files([]string{path}, f)
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		looked = append(looked, pattern)
	}
	return nil, &errNoData{d.Task, split, d.DatasetPath, l.root, looked}
}

// hubPatterns are the places of a split in a copy of the hub's data set: as rows
// exported by configuration, and as the repository's own Parquet files.
func hubPatterns(d *Definition, split string) []string {
	config := d.DatasetName
	if config == "" {
		config = "default"
	}
	var patterns []string
	for _, root := range []string{"", "hub"} {
		repository := filepath.Join(root, filepath.FromSlash(d.DatasetPath))
		for _, dir := range []string{filepath.Join(repository, config), filepath.Join(repository, "data"), repository} {
			for _, name := range []string{"%s.jsonl", "%s.jsonl.gz", "%s.json", "%s.parquet", "%s-*.parquet"} {
				patterns = append(patterns, filepath.Join(dir, fmt.Sprintf(name, split)))
			}
		}
	}
	return patterns
}

func fillPath(path string, d *Definition, split string) string {
	short := split
	if split == "validation" {
		short = "val"
	}
	return filepath.FromSlash(strings.NewReplacer(
		"{split}", split, "{short}", short, "{task}", d.Task, "{name}", d.DatasetName).Replace(path))
}

// files returns the documents of the files one after the other.
func (l *library) files(paths []string, f File) ([]py.Object, error) {
	key := strings.Join(append(slices.Clone(paths), f.Row...), "\n")
	if docs, ok := l.read[key]; ok {
		return docs, nil
	}
	rows, err := compileMapping(f.Row)
	if err != nil {
		return nil, err
	}
	var docs []py.Object
	for _, path := range paths {
		part, err := readFile(path, f)
		if err != nil {
			return nil, err
		}
		for i := range part {
			if part[i], err = process(part[i], rows, nil); err != nil {
				return nil, fmt.Errorf("data file %q: document %d: %w", path, i, err)
			}
		}
		docs = append(docs, part...)
	}
	l.read[key] = docs
	return docs, nil
}
