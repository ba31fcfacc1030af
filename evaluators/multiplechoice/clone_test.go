package multiplechoice

import (
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// checksum is the model of testdata/make_goldens.py.
func checksum(prompt, completion string) answer {
	sum := crc32.ChecksumIEEE([]byte(prompt + "\x00" + completion))
	return answer{-float64(32+sum%64) * float64(utf8.RuneCountInString(completion)) / 64, sum%3 == 0}
}

// tagged renders a conversation as make_goldens.py does.
func tagged(messages []core.Message) (string, error) {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString("<" + m.Role + ">" + m.Content + "\n")
	}
	return b.String() + "<assistant>\n", nil
}

func checksumScorer() *fakeScorer {
	return &fakeScorer{answer: checksum, render: tagged, info: core.ModelInfo{Name: "checksum", Path: "org/checksum", ChatTemplate: "checksum"}}
}

var plainTasks = []string{"arc_challenge", "arc_easy", "hellaswag", "openbookqa", "piqa", "boolq", "winogrande", "truthfulqa_mc1", "truthfulqa_mc2"}

// cloneRuns are the runs of testdata/make_goldens.py.
var cloneRuns = map[string]core.Options{
	"zero_shot":     {"tasks": append([]string{"mmlu3"}, plainTasks...)},
	"three_shot":    {"tasks": append([]string{"mmlu_sociology"}, plainTasks...), "num_fewshot": 3, "limit": 3},
	"own_pool":      {"tasks": []string{"hellaswag"}, "num_fewshot": 4},
	"fraction":      {"tasks": []string{"arc_challenge"}, "limit": 0.3, "num_fewshot": 2},
	"chat":          {"tasks": []string{"arc_easy", "winogrande", "mmlu_sociology"}, "limit": 3, "num_fewshot": 2, "apply_chat_template": true, "system_instruction": "Answer well."},
	"chat_one_turn": {"tasks": []string{"arc_easy", "winogrande", "mmlu_sociology"}, "limit": 3, "num_fewshot": 2, "apply_chat_template": true, "fewshot_as_multiturn": false},
}

// TestAgainstHarness compares whole files with those that lm-eval 0.4.13 wrote
// about the tiny benchmarks in testdata.
func TestAgainstHarness(t *testing.T) {
	for run, options := range cloneRuns {
		t.Run(run, func(t *testing.T) {
			options["data"], options["task_dir"] = "testdata/bench", "testdata/tasks"
			dir := t.TempDir()
			e, err := New(options)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Evaluate(t.Context(), checksumScorer(), dir); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "goldens", run)
			compareSamples(t, dir, golden)
			compareResults(t, resultsFile(t, dir), golden)
			f, err := results.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := f.Table(), contents(t, filepath.Join(golden, "table.md")); got != want {
				t.Errorf("table\n%swant\n%s", got, want)
			}
		})
	}
}

func compareSamples(t *testing.T, dir, golden string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(golden, "samples_*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples in %q: %v", golden, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		ours, err := filepath.Glob(filepath.Join(dir, name+"_2*.jsonl"))
		if err != nil || len(ours) != 1 {
			t.Fatalf("%d files %s: %v", len(ours), name, err)
		}
		if got, want := contents(t, ours[0]), contents(t, file); got != want {
			t.Errorf("%s: %s", name, firstDifference(got, want))
		}
	}
}

// compareResults compares the keys that the golden has. Values are compared as
// numbers: NumPy's exp differs in its last bit between processors.
func compareResults(t *testing.T, got py.Object, golden string) {
	t.Helper()
	v, err := py.ParseJSON([]byte(contents(t, filepath.Join(golden, "results.json"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range v.(py.Object) {
		ours, ok := got.Get(m.Key)
		if !ok {
			t.Errorf("results lack %q", m.Key)
			continue
		}
		a, b := py.DumpJSON(rounded(ours), py.Format{Indent: 1}), py.DumpJSON(rounded(m.Value), py.Format{Indent: 1})
		if m.Key == "results" || m.Key == "n-samples" || m.Key == "task_hashes" {
			a, b = sortedText(ours), sortedText(m.Value)
		}
		if a != b {
			t.Errorf("%s: %s", m.Key, firstDifference(a, b))
		}
	}
}

// sortedText dumps an object by its keys: the order of tasks is that in which
// they were asked for.
func sortedText(v any) string {
	sorted := slices.SortedFunc(slices.Values(v.(py.Object)), func(a, b py.Member) int { return strings.Compare(a.Key, b.Key) })
	return py.DumpJSON(rounded(py.Object(sorted)), py.Format{Indent: 1})
}

// rounded cuts floats to 14 digits after the point.
func rounded(v any) any {
	switch v := v.(type) {
	case float64:
		return math.Round(v*1e14) / 1e14
	case py.Object:
		out := make(py.Object, len(v))
		for i, m := range v {
			out[i] = py.Member{Key: m.Key, Value: rounded(m.Value)}
		}
		return out
	}
	return v
}

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
