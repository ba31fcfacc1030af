package multiplechoice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// library finds and reads the data of tasks, below a folder or from the hub.
type library struct {
	root string                 // empty = the hub
	hub  *checkpoint.Datasets   // made when it is first needed
	read map[string][]py.Object // by files and how they are read
}

func newLibrary(root string) *library {
	return &library{root: root, read: map[string][]py.Object{}}
}

// errNoData says that a split is in none of the places where it is looked for.
type errNoData struct {
	tasks string // quoted
	split string
	cause error
}

func noData(d *Definition, split string, format string, args ...any) error {
	return &errNoData{strconv.Quote(d.Task), split, fmt.Errorf(format, args...)}
}

func (e *errNoData) Error() string {
	return fmt.Sprintf("task %s: no data of split %q: %v", e.tasks, e.split, e.cause)
}

func (e *errNoData) Unwrap() error { return e.cause }

// joinMissing returns one error of all. A cause that tasks share, such as MMLU's 57
// a data set that cannot be fetched, is told once.
func joinMissing(missing []*errNoData) error {
	var told []error
	first := map[string]*errNoData{}
	for _, e := range missing {
		key := e.split + "\n" + e.cause.Error()
		if same := first[key]; same != nil {
			same.tasks += ", " + e.tasks
			continue
		}
		first[key] = &errNoData{e.tasks, e.split, e.cause}
		told = append(told, first[key])
	}
	return errors.Join(told...)
}

// split returns the documents of a split in the hub's layout, with the task's
// own fields computed.
func (l *library) split(ctx context.Context, d *Definition, split string) ([]py.Object, error) {
	raw, err := l.raw(ctx, d, split)
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
func (l *library) raw(ctx context.Context, d *Definition, split string) ([]py.Object, error) {
	if l.root == "" {
		paths, err := l.fromHub(ctx, d, split)
		if err != nil {
			return nil, err
		}
		return l.files(paths, File{})
	}
	patterns := hubPatterns(d, split)
	for _, pattern := range patterns {
		paths, err := globIn(l.root, pattern)
		if err != nil {
			return nil, err
		}
		if len(paths) > 0 {
			return l.files(paths, File{})
		}
	}
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
	remedy := "put it there"
	if d.DatasetPath != "" {
		remedy = "get it from https://huggingface.co/datasets/" + d.DatasetPath
	}
	return nil, noData(d, split, "nothing in %q is one of %s; %s", l.root, strings.Join(patterns, ", "), remedy)
}

// globIn returns the files of a folder that match a pattern with slashes, sorted.
// In the folder's own path nothing is a pattern.
func globIn(dir, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(dir), pattern)
	for i, name := range names {
		names[i] = filepath.Join(dir, filepath.FromSlash(name))
	}
	return names, err
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
// the hub's data sets, by their names or below hub; slashes are between the parts.
// A task without a data set has none.
func hubPatterns(d *Definition, split string) []string {
	if d.DatasetPath == "" {
		return nil
	}
	return append(inRepository(d.DatasetPath, d, split), inRepository(path.Join("hub", d.DatasetPath), d, split)...)
}

// inRepository are the places of a split in a data set: rows exported by
// configuration, the hub's own Parquet files, and for data sets without
// configurations files named NAME_SPLIT.
func inRepository(repository string, d *Definition, split string) []string {
	var patterns []string
	add := func(dir, stem string, endings ...string) {
		for _, ending := range endings {
			patterns = append(patterns, path.Join(repository, dir, stem+ending))
		}
	}
	config := cmp.Or(d.DatasetName, "default")
	for _, dir := range []string{config, "data", ""} {
		add(dir, split, ".jsonl", ".jsonl.gz", ".json", ".parquet", "-*.parquet")
	}
	if d.DatasetName == "" {
		add("", "*_"+split, ".jsonl", ".parquet")
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
	key := fmt.Sprintf("%q %q %t %q", paths, f.Columns, f.hasHeader(), f.Row)
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
