package multiplechoice

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goldenRun is what lm-eval 0.4.13 stored of one task of one run on
// SmolLM2-135M-Instruct: some documents, and their requests.
type goldenRun struct {
	name, task string
	shots      int
	docs       []goldenDoc
	requests   []goldenRequest
}

type goldenDoc struct {
	Run, Task  string
	DocID      int    `json:"doc_id"`
	DocHash    string `json:"doc_hash"`
	PromptHash string `json:"prompt_hash"`
	TargetHash string `json:"target_hash"`
	LLs        []float64
	Metrics    map[string]float64
}

type goldenRequest struct {
	Run, Task string
	DocID     int    `json:"doc_id"`
	Idx       int    `json:"idx"`
	Context   string `json:"ctx_sha256"`
	Cont      string
	IDs       string `json:"ids_sha256"`
	LL        float64
	Greedy    bool `json:"is_greedy"`
}

// goldenRuns reads the stored documents and requests, run by run.
func goldenRuns(t *testing.T, shared string) []*goldenRun {
	t.Helper()
	dir := filepath.Join(shared, "golden", "lm-eval-0.4.13")
	var metrics map[string]map[string]struct {
		Shots int `json:"n_shot"`
	}
	readJSON(t, filepath.Join(dir, "metrics.json"), &metrics)
	var runs []*goldenRun
	find := func(name, task string) *goldenRun {
		i := slices.IndexFunc(runs, func(g *goldenRun) bool { return g.name == name && g.task == task })
		if i < 0 {
			runs = append(runs, &goldenRun{name: name, task: task, shots: metrics[name][task].Shots})
			i = len(runs) - 1
		}
		return runs[i]
	}
	eachLine(t, filepath.Join(dir, "docs.jsonl.gz"), func(d goldenDoc) {
		g := find(d.Run, d.Task)
		g.docs = append(g.docs, d)
	})
	eachLine(t, filepath.Join(dir, "requests.jsonl.gz"), func(r goldenRequest) {
		g := find(r.Run, r.Task)
		g.requests = append(g.requests, r)
	})
	return runs
}

// goldenData is the data that a run was made on: ARC-Challenge's validation split
// as its test, and the later file of TruthfulQA.
func goldenData(t *testing.T, shared, run string) string {
	bench := filepath.Join(shared, "bench")
	switch {
	case strings.Contains(run, "arc_challenge"):
		const arc = "allenai/ai2_arc/ARC-Challenge/"
		return place(t, bench, map[string]string{
			arc + "test.jsonl":  "hub/" + arc + "validation.jsonl",
			arc + "train.jsonl": "hub/" + arc + "train.jsonl",
		})
	case run == "plain_truthfulqa":
		return place(t, bench, map[string]string{"truthfulqa/mc_task.json": "truthfulqa/mc_task.json"})
	}
	return bench
}

// limit is the number of documents that reach all stored ones.
func (g *goldenRun) limit() int {
	last := 0
	for _, d := range g.docs {
		last = max(last, d.DocID)
	}
	return last + 1
}

// answer gives the stored log-likelihoods; what is not stored is 0.
func (g *goldenRun) answer(t *testing.T) func(string, string) answer {
	type key struct{ context, completion string }
	known := map[key]answer{}
	for _, r := range g.requests {
		known[key{r.Context, r.Cont}] = answer{r.LL, r.Greedy}
	}
	if len(known) == 0 {
		t.Fatal("no requests are stored")
	}
	return func(prompt, completion string) answer { return known[key{sha256Hex(prompt), completion}] }
}
