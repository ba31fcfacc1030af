// Package report writes the self-contained page that shows what happened in a
// run, or in several side by side.
package report

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/core/record"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// Write writes the page of the runs in the folders dirs. It needs nothing
// beside it: no network, no script, no other file. Its links to the runs' files
// are absolute; those of WriteFile move with the folder.
func Write(w io.Writer, dirs []string) error {
	return write(w, dirs, absoluteLinks{})
}

// WriteFile writes the page to path, whole or not at all, with links relative
// to it.
func WriteFile(path string, dirs []string) error {
	from, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(from, record.Unfinished+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer os.Remove(file.Name()) // after the rename there is nothing to remove
	err = errors.Join(write(file, dirs, relativeLinks{from}), file.Chmod(0o644))
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func write(w io.Writer, dirs []string, links linker) error {
	if len(dirs) == 0 {
		return errors.New("report: no run; name the folder of one at least")
	}
	var runs []*run
	for _, dir := range dirs {
		r, err := read(dir)
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		runs = append(runs, r)
	}
	nameApart(runs)
	p, err := newPage(runs, links)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return pageTemplate.Execute(w, p)
}
