package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"

	"github.com/stepwise-dpo/stepwise/core/atomicfile"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Write puts results_DATE.json and a samples_TASK_DATE.jsonl for each task into
// dir, as lm-eval 0.4.13 writes them (loggers/evaluation_tracker.py).
func (r *Run) Write(dir string) error {
	date := r.Start.Add(r.Took).Format("2006-01-02T15-04-05.000000")
	for _, t := range r.Tasks {
		if err := writeFile(dir, samplesName(t.Name, date), func(w io.Writer) error { return writeSamples(w, t) }); err != nil {
			return err
		}
	}
	return writeFile(dir, resultsName(date), func(w io.Writer) error {
		_, err := io.WriteString(w, py.DumpJSON(newContent(r).all(), py.Format{Indent: 2}))
		return err
	})
}

// The names of files; * stands for any date.
func resultsName(date string) string       { return fmt.Sprintf("results_%s.json", date) }
func samplesName(task, date string) string { return fmt.Sprintf("samples_%s_%s.jsonl", task, date) }

func writeFile(dir, name string, content func(io.Writer) error) error {
	return atomicfile.Write(filepath.Join(dir, name), func(f io.Writer) error {
		w := bufio.NewWriter(f)
		return errors.Join(content(w), w.Flush())
	})
}

var unsafeInName = regexp.MustCompile(`["<>:/|\\?*\[\]]+`)

// FolderName returns the name that lm-eval gives to a model's folder of results.
func FolderName(model string) string { return unsafeInName.ReplaceAllString(model, "__") }
