package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stepwise-dpo/stepwise/cmd/stepwise/bench"
)

// TestBenchLeavesNothing: after its end and after Ctrl-C the folder of random
// weights is gone.
func TestBenchLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, c := range []struct {
		name   string
		rounds string
		stop   bool
		code   int
	}{{"ended", "1", false, 0}, {"Ctrl-C", "1000000", true, 130}} {
		t.Run(c.name, func(t *testing.T) {
			tmp, err := os.MkdirTemp("", "b") // short, as a socket's path must be
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(tmp)
			p := exec.Command(binary(t), "bench", "--shape", "1m", "--tokens", "16", "--rounds", c.rounds)
			p.Env = append(os.Environ(), "TMPDIR="+tmp)
			var errs bytes.Buffer
			p.Stderr = &errs
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			if c.stop {
				waitForWeights(t, tmp)
				if err := p.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
			err = p.Wait()
			if code := p.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit %d, %v\n%s", code, err, errs.String())
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// waitForWeights waits until bench has written them below tmp.
func waitForWeights(t *testing.T, tmp string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found, err := filepath.Glob(filepath.Join(tmp, "stepwise-bench-*", "model.safetensors")); err != nil || len(found) > 0 {
			return
		}
	}
	t.Fatal("no weights came")
}

// TestBenchPyTorch runs the comparison. It needs $STEPWISE_TRL_PYTHON, a Python with
// torch and transformers. Both sides must compute the same: the completions'
// log-probabilities.
func TestBenchPyTorch(t *testing.T) {
	python := os.Getenv("STEPWISE_TRL_PYTHON")
	if python == "" {
		t.Skip("PyTorch: $STEPWISE_TRL_PYTHON names no Python")
	}
	for dtype, nats := range map[string]float64{"float32": 1e-2, "bf16": .5} {
		out := mustRun(t, "bench", "--shape", "1m", "--rounds", "2", "--dtype", dtype, "--backend-option", "threads=1", "--pytorch", python, "--json")
		var r bench.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		if p := r.PyTorch; p == nil || p.Threads != 1 || p.PeakBytes < 1<<20 || !strings.HasPrefix(p.Device, "cpu") || !(p.Differs > 0 && p.Differs < nats) {
			t.Errorf("%s: PyTorch's report %+v", dtype, p)
		}
		if len(r.Results) != 4 || len(r.Ratios) != 2 {
			t.Fatalf("%s: report %+v", dtype, r)
		}
		for i, ratio := range r.Ratios {
			ours, theirs := r.Results[i], r.Results[2+i]
			want := []float64{theirs.Seconds[0] / ours.Seconds[0], theirs.Seconds[1] / ours.Seconds[1]}
			if !near(ratio.Median, (want[0]+want[1])/2) || !near(ratio.Least, min(want[0], want[1])) || !near(ratio.Most, max(want[0], want[1])) {
				t.Errorf("%s: ratio %+v of rounds %v", dtype, ratio, want)
			}
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }
