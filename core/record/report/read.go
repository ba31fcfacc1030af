package report

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// run is what a run's folder holds. Whatever has not been written yet is zero.
type run struct {
	name     string
	folder   *record.Folder
	config   string // config.toml
	settings settings
	manifest record.Manifest
	plan     record.Plan
	steps    []record.StepResult
	summary  record.Summary
	metrics  []record.Metrics
	rows     []preference.Report // what became of the sources' rows

	shifts map[[2]string]shift // model, held-out source
}

func read(dir string) (*run, error) {
	f, err := record.Open(dir)
	if err != nil {
		return nil, err
	}
	config, err := os.ReadFile(f.Path("config.toml"))
	if err != nil {
		return nil, err
	}
	r := &run{folder: f, config: string(config)}
	if r.settings, err = readSettings(r.config); err != nil {
		return nil, fmt.Errorf("%q: %w", f.Path("config.toml"), err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	r.name = filepath.Base(abs)
	for _, file := range []struct {
		name string
		into any
	}{
		{"manifest.json", &r.manifest}, {"plan.json", &r.plan}, {"summary.json", &r.summary}, {"sources.json", &r.rows},
	} {
		if _, err := readOptional(f, file.name, file.into); err != nil {
			return nil, err
		}
	}
	if r.metrics, err = record.ReadMetrics(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := r.readSteps(); err != nil {
		return nil, err
	}
	return r, r.readShifts()
}

// readOptional reads a file that the run may not have come to.
func readOptional(f *record.Folder, name string, v any) (bool, error) {
	err := f.ReadJSON(name, v)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (r *run) readSteps() error {
	for t := 1; ; t++ {
		var s record.StepResult
		ok, err := readOptional(r.folder, record.StepDir(t)+"/step.json", &s)
		if !ok {
			return err
		}
		r.steps = append(r.steps, s)
	}
}

// shift is how far a model has moved gamma from S's, pair by pair.
type shift struct{ mean, stderr float64 }

// readShifts compares each model's scores of the held-out pairs with S's.
func (r *run) readShifts() error {
	r.shifts = map[[2]string]shift{}
	for _, m := range r.summary.Models {
		if m.Name == "S" {
			continue
		}
		for source := range m.Heldout {
			after, err := r.heldoutGammas(m.Name, source)
			if err != nil {
				return err
			}
			before, err := r.heldoutGammas("S", source)
			if err != nil {
				return err
			}
			if len(after) == len(before) && len(after) > 1 {
				r.shifts[[2]string{m.Name, source}] = shiftOf(before, after)
			}
		}
	}
	return nil
}

func (r *run) heldoutGammas(model, source string) ([]float64, error) {
	rows, err := record.ReadJSONL[record.PairScore](r.folder, fmt.Sprintf("eval/%s/heldout-%s.jsonl", model, source))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var gammas []float64
	for _, row := range rows {
		gammas = append(gammas, row.Chosen-row.Rejected)
	}
	return gammas, err
}

func shiftOf(before, after []float64) shift {
	moved := make([]float64, len(after))
	for i := range after {
		moved[i] = after[i] - before[i]
	}
	mean, sd := meanAndDeviation(moved)
	return shift{mean, sd / math.Sqrt(float64(len(moved)))}
}

// T returns the number of steps, 0 where it is not known yet.
func (r *run) T() int { return len(r.plan.Steps) }

// final returns the last model that was measured, if that is not S.
func (r *run) final() (record.ModelSummary, bool) {
	n := len(r.summary.Models)
	if n == 0 || r.summary.Models[n-1].Name == "S" {
		return record.ModelSummary{}, false
	}
	return r.summary.Models[n-1], true
}

// stretch is the updates of one step.
type stretch struct {
	step  int
	start int // updates before it
	rows  []record.Metrics
}

func (r *run) stretches() []stretch {
	var out []stretch
	for i, m := range r.metrics {
		if len(out) == 0 || out[len(out)-1].step != m.Step {
			out = append(out, stretch{step: m.Step, start: i})
		}
		last := &out[len(out)-1]
		last.rows = r.metrics[last.start : i+1]
	}
	return out
}

// nameApart gives runs of the same name their folders' paths.
func nameApart(runs []*run) {
	count := map[string]int{}
	for _, r := range runs {
		count[r.name]++
	}
	for _, r := range runs {
		if count[r.name] > 1 {
			r.name = r.folder.Path()
		}
	}
}
