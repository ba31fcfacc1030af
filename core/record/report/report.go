// Package report writes the self-contained page that shows what happened in a
// run, or in several side by side.
package report

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/core/atomicfile"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// WriteFile writes the page of the runs in the folders dirs to path, whole or not
// at all. It needs nothing beside it: no network, no script, no other file. Its
// links to the runs' files are relative to it.
func WriteFile(path string, dirs []string) error {
	from, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		if err := write(buffered, from, dirs); err != nil {
			return err
		}
		return buffered.Flush()
	})
}

// write writes the page for the folder from, an absolute path.
func write(w io.Writer, from string, dirs []string) error {
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
	p, err := newPage(runs, from)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return pageTemplate.Execute(w, p)
}
