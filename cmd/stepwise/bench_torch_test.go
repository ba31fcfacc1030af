package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

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
		var r benchReport
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
