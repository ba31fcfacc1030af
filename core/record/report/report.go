// Package report writes the self-contained page that shows what happened in a
// run, or in several side by side.
package report

import (
	_ "embed"
	"html/template"
	"io"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/core/record"
)

//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("page").Parse(page))

// run is what the page shows of one run.
type run struct {
	Name    string
	Plan    record.Plan
	Summary record.Summary
	Metrics []record.Metrics
}

// Write writes the page of the runs in the folders dirs.
func Write(w io.Writer, dirs []string) error {
	var runs []run
	for _, dir := range dirs {
		r, err := read(dir)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	return pageTemplate.Execute(w, runs)
}

func read(dir string) (run, error) {
	f, err := record.Open(dir)
	if err != nil {
		return run{}, err
	}
	r := run{Name: filepath.Base(dir)}
	if err := f.ReadJSON("plan.json", &r.Plan); err != nil {
		return r, err
	}
	if err := f.ReadJSON("summary.json", &r.Summary); err != nil {
		return r, err
	}
	r.Metrics, err = record.ReadMetrics(f)
	return r, err
}
