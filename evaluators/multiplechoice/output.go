package multiplechoice

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// output is all that the files of an evaluation tell.
type output struct {
	options Options
	model   core.ModelInfo
	chosen  *selection
	runs    []*run
	report  *report
	start   time.Time
	took    time.Duration
}

// write puts results_DATE.json and a samples_TASK_DATE.jsonl for each task into
// dir, as lm-eval 0.4.13 writes them (loggers/evaluation_tracker.py).
func (o *output) write(dir string) error {
	date := o.start.Add(o.took).Format("2006-01-02T15-04-05.000000")
	for _, r := range o.runs {
		name := fmt.Sprintf("samples_%s_%s.jsonl", r.d.Task, date)
		if err := writeFile(dir, name, func(w io.Writer) error { return writeSamples(w, r) }); err != nil {
			return err
		}
	}
	return writeFile(dir, fmt.Sprintf("results_%s.json", date), func(w io.Writer) error {
		_, err := io.WriteString(w, py.DumpJSON(o.results(), py.Format{Indent: 2}))
		return err
	})
}

// writeFile writes beside the file and renames into place.
func writeFile(dir, name string, content func(io.Writer) error) error {
	path := filepath.Join(dir, name)
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := errors.Join(content(w), w.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".tmp"))
	}
	return os.Rename(path+".tmp", path)
}

var unsafeInName = regexp.MustCompile(`["<>:/|\\?*\[\]]+`)

// FolderName returns the name that lm-eval gives to a model's folder of results.
func FolderName(model string) string { return unsafeInName.ReplaceAllString(model, "__") }

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
