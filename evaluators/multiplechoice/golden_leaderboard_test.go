package multiplechoice

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// pseudoModel is the model of lm-eval's own tests: -random.random() after
// random.seed(42), whatever is asked.
func pseudoModel() func(string, string) answer {
	rnd := py.NewRandom(42)
	return func(string, string) answer { return answer{ll: -rnd.Float64()} }
}

// TestStoredFixtures runs every fixture that lm-eval stored of its leaderboard
// version: the hash of all requests, and the results of the pseudo-model.
func TestStoredFixtures(t *testing.T) {
	shared := testenv.Shared(t)
	golden := filepath.Join(shared, "golden", "lm-eval-b281b09")
	bench := filepath.Join(shared, "bench")
	later := place(t, bench, map[string]string{"truthfulqa/mc_task.json": "truthfulqa/mc_task.json"})
	files, err := filepath.Glob(filepath.Join(golden, "*-loglikelihood"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		fixture := strings.TrimSuffix(filepath.Base(file), "-loglikelihood")
		t.Run(fixture, func(t *testing.T) {
			task, version, _ := strings.Cut(fixture, "-v")
			o := core.Options{"preset": "leaderboard", "data": bench, "num_fewshot": 0, "tasks": []string{task}}
			switch {
			case strings.HasPrefix(task, "hendrycksTest"): // an older prompt than the leaderboard's
				o["task_dir"] = "testdata/fixtures"
			case task == "truthfulqa_mc": // an older file than the hub's
				o["data"] = later
			case task == "winogrande":
				o["task_dir"] = "testdata/fixtures"
				o["tasks"] = []string{"winogrande_foundry"}
			}
			runs, out := evaluated(t, o, &fakeScorer{answer: pseudoModel()})
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := requestHash(runs[0]); got != string(want) {
				t.Errorf("hash of version %s's requests: %s, want %s", version, got, want)
			}
			var stored struct{ Results map[string]map[string]float64 }
			readJSON(t, filepath.Join(golden, fixture+"-res.json"), &stored)
			sameResults(t, out.Stats()[runs[0].d.Task], stored.Results[task])
		})
	}
}

// requestHash is the sha256 of all requests as lm-eval's tests take it.
func requestHash(r *run) string {
	var all []any
	for _, s := range r.samples {
		for _, q := range s.result().Requests {
			all = append(all, []any{q.Prompt, q.Completion})
		}
	}
	return sha256Hex(py.DumpJSON(all, py.Format{ASCII: true}))
}

func sameResults(t *testing.T, got map[string]results.Stat, want map[string]float64) {
	t.Helper()
	if len(want) != 2*len(got) {
		t.Errorf("%d results, want %v", len(got), want)
	}
	for metric, s := range got {
		if math.Abs(s.Value-want[metric]) > 1e-15 || math.Abs(s.StdErr-want[metric+"_stderr"]) > 1e-15 {
			t.Errorf("%s = %v ± %v, want %v ± %v", metric, s.Value, s.StdErr, want[metric], want[metric+"_stderr"])
		}
	}
}
