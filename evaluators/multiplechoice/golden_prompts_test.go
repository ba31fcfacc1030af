package multiplechoice

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// promptGolden is what lm-eval made of one document, with a pseudo-model's
// log-likelihoods.
type promptGolden struct {
	Task       string
	DocID      int      `json:"doc_id"`
	Contexts   []string `json:"ctx_sha256"`
	Conts      []string
	Context    string
	DocHash    string    `json:"doc_hash"`
	PromptHash string    `json:"prompt_hash"`
	TargetHash string    `json:"target_hash"`
	MockLL     []float64 `json:"mock_ll"`
	LL         []float64
	Metrics    map[string]float64
}

// TestPrompts compares every prompt, hash and metric of lm-eval 0.4.13 over the
// local data sets.
func TestPrompts(t *testing.T) {
	shared := testenv.Shared(t)
	bench := filepath.Join(shared, "bench")
	later := place(t, bench, map[string]string{"truthfulqa/mc_task.json": "truthfulqa/mc_task.json"})
	for _, c := range []struct {
		file, task string
		shots      int
		data       string
	}{
		{"dummy_0_truthfulqa_mc1", "truthfulqa_mc1", 0, later},
		{"dummy_0_truthfulqa_mc2", "truthfulqa_mc2", 0, later},
		{"dummy_tqav0_truthfulqa_mc1", "truthfulqa_mc1", 0, bench},
		{"dummy_25_arc_challenge", "arc_challenge", 25, bench},
		{"dummy_5_mmlu_abstract_algebra", "mmlu_abstract_algebra", 5, bench},
		{"dummy_5_mmlu_anatomy", "mmlu_anatomy", 5, bench},
		{"dummy_5_mmlu_astronomy", "mmlu_astronomy", 5, bench},
		{"dummy_5_mmlu_international_law", "mmlu_international_law", 5, bench},
		{"dummy_5_mmlu_world_religions", "mmlu_world_religions", 5, bench},
	} {
		t.Run(c.file, func(t *testing.T) {
			var want []promptGolden
			eachLine(t, filepath.Join(shared, "golden", "lm-eval-0.4.13", "prompts_head", c.file+".jsonl.gz"),
				func(g promptGolden) { g.LL = g.MockLL; want = append(want, g) })
			o := core.Options{"data": c.data, "tasks": []string{c.task}, "num_fewshot": c.shots}
			runs, out := evaluated(t, o, &fakeScorer{answer: goldenAnswers(want)})
			samePrompts(t, runs[0], want)
			var metrics map[string]map[string]any
			readJSON(t, filepath.Join(shared, "golden", "lm-eval-0.4.13", "prompts_head_metrics.json"), &metrics)
			key := strings.Replace(strings.Replace(c.file, "dummy_", "dummy/", 1), "dummy/"+fmt.Sprint(c.shots)+"_", fmt.Sprintf("dummy_%d/", c.shots), 1)
			key = strings.Replace(key, "dummy/tqav0_", "dummy_tqav0/", 1)
			sameTotals(t, &out.Tasks[0], out.Stats(), metrics[key])
		})
	}
}

// goldenAnswers answers with the goldens' log-likelihoods, in their order.
func goldenAnswers(want []promptGolden) func(string, string) answer {
	var lls []float64
	for _, g := range want {
		lls = append(lls, g.LL...)
	}
	return func(string, string) answer {
		ll := lls[0]
		lls = lls[1:]
		return answer{ll: ll}
	}
}

func samePrompts(t *testing.T, r *run, want []promptGolden) {
	t.Helper()
	if len(r.samples) != len(want) {
		t.Fatalf("%d documents, want %d", len(r.samples), len(want))
	}
	for i, g := range want {
		s := r.samples[i]
		if g.DocID != i {
			t.Fatalf("golden %d is document %d", i, g.DocID)
		}
		var conts []string
		for _, q := range s.result().Requests {
			conts = append(conts, q.Completion)
		}
		if !slices.Equal(conts, g.Conts) {
			t.Errorf("document %d: completions %q, want %q", i, conts, g.Conts)
		}
		if g.Context != "" && s.prompts[0] != g.Context {
			t.Errorf("document %d: prompt %q, want %q", i, s.prompts[0], g.Context)
		}
		if got := sha256Hex(s.prompts[0]); got != g.Contexts[0] {
			t.Errorf("document %d: another prompt", i)
		}
		if h := hashesOf(s); g.DocHash != "" && (h != results.Hashes{Doc: g.DocHash, Prompt: g.PromptHash, Target: g.TargetHash}) {
			t.Errorf("document %d: hashes %v, want %v %v %v", i, h, g.DocHash, g.PromptHash, g.TargetHash)
		}
		if len(g.Metrics) != len(r.d.Metrics) {
			t.Errorf("document %d: metrics %v, want %v", i, s.values, g.Metrics)
		}
		for m, v := range g.Metrics {
			if got := s.values[m]; math.Abs(got-v) > 1e-15 {
				t.Errorf("document %d: %s = %v, want %v", i, m, got, v)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// sameTotals compares a task's line of lm-eval's results.
func sameTotals(t *testing.T, task *results.Task, stats results.Stats, want map[string]any) {
	t.Helper()
	if want == nil {
		t.Fatal("no golden metrics")
	}
	if got := task.Hash(); got != want["task_hash"] {
		t.Errorf("task hash %v, want %v", got, want["task_hash"])
	}
	for m, s := range stats[task.Name] {
		value, stdErr := want[m+",none"].(float64), want[m+"_stderr,none"].(float64)
		if math.Abs(s.Value-value) > 1e-15 || math.Abs(s.StdErr-stdErr) > 1e-15 {
			t.Errorf("%s = %v ± %v, want %v ± %v", m, s.Value, s.StdErr, value, stdErr)
		}
	}
}

// TestLeaderboardPrompts is the same for the leaderboard's commit.
func TestLeaderboardPrompts(t *testing.T) {
	shared := testenv.Shared(t)
	bench := filepath.Join(shared, "bench")
	later := place(t, bench, map[string]string{"truthfulqa/mc_task.json": "truthfulqa/mc_task.json"})
	dir := filepath.Join(shared, "golden", "lm-eval-0.4.13", "prompts_lb")
	for _, file := range []string{"lb_dummy_summary.jsonl", "lb_dummy_tqav0_summary.jsonl"} {
		eachLine(t, filepath.Join(dir, file), func(g struct {
			Task     string
			K        int
			Docs     int
			Requests string `json:"requests_sha256"`
			Results  map[string]float64
		}) {
			t.Run(fmt.Sprintf("%s_%d", g.Task, g.K), func(t *testing.T) {
				data := bench
				if g.Task == "truthfulqa_mc" && file == "lb_dummy_summary.jsonl" {
					data = later
				}
				o := core.Options{"preset": "leaderboard", "data": data, "tasks": []string{g.Task}, "num_fewshot": g.K}
				s := &fakeScorer{answer: pseudoModel()}
				runs, out := evaluated(t, o, s)
				if got := requestHash(runs[0]); got != g.Requests {
					t.Errorf("requests %s, want %s", got, g.Requests)
				}
				if s.rules.BOS != core.BOSNever {
					t.Error("the leaderboard's lm-eval puts no BOS")
				}
				sameResults(t, out.Stats()[runs[0].d.Task], g.Results)
				var want []promptGolden
				full := filepath.Join(dir, fmt.Sprintf("lb_dummy_lb_prompts_%s_%dshot.jsonl.gz", g.Task, g.K))
				if matches, _ := filepath.Glob(full); file == "lb_dummy_summary.jsonl" && len(matches) == 1 {
					eachLine(t, full, func(g promptGolden) { want = append(want, g) })
					samePrompts(t, runs[0], want)
				}
			})
		})
	}
}
