// Package record keeps a run's folder: what is written when, in which form, and
// how a killed run finds it again. Files are written beside and renamed into
// place; metrics.jsonl is appended and cut back on resume.
package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/atomicfile"
)

// Folder is a run's folder.
type Folder struct{ dir string }

// Create makes the folder of a new run, where Vacant allows one.
func Create(dir string) (*Folder, error) {
	if err := Vacant(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	return &Folder{dir}, nil
}

// Vacant refuses a folder that holds a run, or anything else. A run that was killed
// before its configuration was in place has left nothing but names with a dot.
func Vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("run folder: %w", err)
	case !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !strings.HasPrefix(e.Name(), ".") }):
		return nil
	}
	if _, err := Open(dir); err != nil {
		return fmt.Errorf("folder %q holds files, but no run; choose another --name or --dir", dir)
	}
	return fmt.Errorf("run folder %q exists; go on with --resume, or choose another --name", dir)
}

// Open opens the folder of a run that was started before: config.toml is the first
// file that a run puts into place.
func Open(dir string) (*Folder, error) {
	if _, err := os.Stat(filepath.Join(dir, "config.toml")); err != nil {
		return nil, fmt.Errorf("%q is no run's folder: %w", dir, err)
	}
	return &Folder{dir}, nil
}

// Path returns the path of a file or folder within the run's folder.
func (f *Folder) Path(parts ...string) string {
	return filepath.Join(append([]string{f.dir}, parts...)...)
}

// Has says whether the file or folder exists.
func (f *Folder) Has(parts ...string) bool {
	_, err := os.Stat(f.Path(parts...))
	return err == nil
}

// StepDir returns the name of step t's folder.
func StepDir(t int) string { return fmt.Sprintf("step-%d", t) }

// WriteFile puts a file into place whole or not at all.
func (f *Folder) WriteFile(name string, write func(io.Writer) error) error {
	path := f.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	err := atomicfile.Write(path, func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		if err := write(buffered); err != nil {
			return err
		}
		return buffered.Flush()
	})
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}

// WriteJSON writes v as indented JSON.
func (f *Folder) WriteJSON(name string, v any) error {
	return f.WriteFile(name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

// WriteJSONFile writes v into a folder that WriteDir is filling.
func WriteJSONFile(dir, name string, v any) error {
	return (&Folder{dir}).WriteJSON(name, v)
}

// ReadJSON reads a file that WriteJSON wrote.
func (f *Folder) ReadJSON(name string, v any) error {
	raw, err := os.ReadFile(f.Path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%q: %w", f.Path(name), err)
	}
	return nil
}

// WriteDir fills a folder through fill and puts it into place whole. What was
// there before is replaced.
func (f *Folder) WriteDir(name string, fill func(dir string) error) error {
	path := f.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(path), atomicfile.Unfinished+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := fill(tmp); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	old := filepath.Join(filepath.Dir(path), replaced+filepath.Base(path))
	if err := os.Rename(path, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := atomicfile.Rename(tmp, path); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// replaced begins the name of a folder that is being replaced.
const replaced = atomicfile.Prefix + "old-"

// levels is how deep in the run's folder files and folders are put into place.
const levels = 2

// Sweep deletes what a killed run was writing when it died, and puts back what it
// had only begun to replace. No other process may be writing into the folder.
func (f *Folder) Sweep() error { return sweep(f.dir, levels) }

func sweep(dir string, levels int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), atomicfile.Prefix):
			err = sweepOurs(path)
		case e.IsDir() && levels > 0:
			err = sweep(path, levels-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepOurs puts back what has nothing in its place, and deletes the rest.
func sweepOurs(path string) error {
	if name, ok := strings.CutPrefix(filepath.Base(path), replaced); ok {
		place := filepath.Join(filepath.Dir(path), name)
		if _, err := os.Stat(place); errors.Is(err, fs.ErrNotExist) {
			return atomicfile.Rename(path, place)
		}
	}
	return os.RemoveAll(path)
}

// Remove deletes a file or folder of the run.
func (f *Folder) Remove(parts ...string) error { return os.RemoveAll(f.Path(parts...)) }

// WriteJSONL writes one line of JSON an element.
func WriteJSONL[T any](f *Folder, name string, rows []T) error {
	return f.WriteFile(name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		for i := range rows {
			if err := e.Encode(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReadJSONL reads a file that WriteJSONL wrote.
func ReadJSONL[T any](f *Folder, name string) ([]T, error) {
	file, err := os.Open(f.Path(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var rows []T
	d := json.NewDecoder(bufio.NewReader(file))
	for {
		var row T
		switch err := d.Decode(&row); {
		case err == io.EOF:
			return rows, nil
		case err != nil:
			return nil, fmt.Errorf("%q, row %d: %w", f.Path(name), len(rows)+1, err)
		}
		rows = append(rows, row)
	}
}
