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
	task, split string
	cause       error
}

func (e *errNoData) Error() string {
	return fmt.Sprintf("task %q: no data of split %q: %v", e.task, e.split, e.cause)
}

func (e *errNoData) Unwrap() error { return e.cause }

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
	root, patterns := l.root, hubPatterns(d, split)
	if root == "" {
		var err error
		if root, err = hubSnapshot(d.DatasetPath); err != nil {
			return nil, &errNoData{d.Task, split, err}
		}
		patterns = inRepository("", d, split)
	}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		if len(paths) > 0 {
			return l.files(paths, File{})
		}
	}
	if l.root != "" {
		for _, f := range d.Files {
			path, err := l.other(d, f, split)
			if err != nil {
				return nil, err
			}
			if path != "" {
				return l.files([]string{path}, f)
			}
			patterns = append(patterns, fillPath(f.Path, d, split))
		}
	}
	return nil, &errNoData{d.Task, split, fmt.Errorf("nothing in %q is one of %s; get it from https://huggingface.co/datasets/%s",
		root, strings.Join(patterns, ", "), d.DatasetPath)}
}

// other returns the path of a split in another layout than the hub's, or nothing
// where it is not there.
func (l *library) other(d *Definition, f File, split string) (string, error) {
	if f.Split != "" && f.Split != split {
		return "", nil
	}
	path := filepath.Join(l.root, fillPath(f.Path, d, split))
	switch _, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	return path, nil
}

// hubPatterns are the places of a split below a data folder that holds copies of
// the hub's data sets, by their names or below hub.
func hubPatterns(d *Definition, split string) []string {
	repository := filepath.FromSlash(d.DatasetPath)
	return append(inRepository(repository, d, split), inRepository(filepath.Join("hub", repository), d, split)...)
}

// inRepository are the places of a split in a data set: rows exported by
// configuration, and the hub's own Parquet files.
func inRepository(repository string, d *Definition, split string) []string {
	config := d.DatasetName
	if config == "" {
		config = "default"
	}
	var patterns []string
	for _, dir := range []string{config, "data", ""} {
		for _, name := range []string{".jsonl", ".jsonl.gz", ".json", ".parquet", "-*.parquet"} {
			patterns = append(patterns, filepath.Join(repository, dir, split+name))
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
