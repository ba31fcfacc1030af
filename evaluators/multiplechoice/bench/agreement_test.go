// Package bench holds comparisons of whole programs: compare.py times lm-eval
// against `stepwise eval`, and the test here sets the binary's log-likelihoods of
// a real model against those that lm-eval stored.
package bench

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// tolerance of a log-likelihood in nats, float32 against float32.
const tolerance = 1e-3

// stored is a document of lm-eval 0.4.13's on SmolLM2-135M-Instruct, float32.
type stored struct {
	Run, Task  string
	DocID      int    `json:"doc_id"`
	DocHash    string `json:"doc_hash"`
	PromptHash string `json:"prompt_hash"`
	LLs        []float64
	Metrics    map[string]float64
}

// sample is a line of a samples file.
type sample struct {
	DocHash    string     `json:"doc_hash"`
	PromptHash string     `json:"prompt_hash"`
	Responses  [][]string `json:"filtered_resps"`
	Acc        float64
}

// TestAgreement runs the command as a user does.
func TestAgreement(t *testing.T) {
	if testing.Short() {
		t.Skip("a real model takes a minute")
	}
	shared, model := testenv.Shared(t), testenv.SmolLM2(t)
	binary := filepath.Join(t.TempDir(), "stepwise")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/stepwise-dpo/stepwise/cmd/stepwise").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	golden := readStored(t, filepath.Join(shared, "golden", "lm-eval-0.4.13", "docs.jsonl.gz"))
	bench := filepath.Join(shared, "bench")
	validation := arcValidation(t, bench)
	for _, c := range []struct {
		run, task, data, shots string
		limit                  int
		more                   []string
	}{
		{"fast_0shot", "arc_easy", bench, "0", 12, nil},
		{"fast_0shot", "truthfulqa_mc2", bench, "0", 4, nil},
		{"plain_arc_easy_bos", "arc_easy", bench, "0", 6, []string{"--option", "add_bos=always"}},
		{"fast_5shot", "mmlu_anatomy", bench, "5", 3, nil},
		{"fast_arc_challenge_val", "arc_challenge", validation, "25", 2, nil},
		{"plain_arc_challenge_trunc512", "arc_challenge", validation, "25", 2, []string{"--option", "max_length=512"}},
		{"plain_hellaswag", "hellaswag", bench, "10", 2, nil},
	} {
		t.Run(c.run+"/"+c.task, func(t *testing.T) {
			out := t.TempDir()
			args := append([]string{"eval", "--model", model, "--tasks", c.task, "--num-fewshot", c.shots, "--limit", strconv.Itoa(c.limit), "--data", c.data, "--out", out}, c.more...)
			if text, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, text)
			}
			samples := readSamples(t, out, c.task)
			compared := 0
			for _, want := range golden {
				if want.Run == c.run && want.Task == c.task && want.DocID < c.limit {
					compared += compare(t, samples[want.DocID], want)
				}
			}
			if compared == 0 {
				t.Error("no log-likelihood was compared")
			}
		})
	}
}

// compare returns how many log-likelihoods it compared.
func compare(t *testing.T, got sample, want stored) int {
	t.Helper()
	if got.DocHash != want.DocHash || got.PromptHash != want.PromptHash {
		t.Errorf("document %d: another document or prompt", want.DocID)
	}
	for i, ll := range want.LLs {
		ours, err := strconv.ParseFloat(got.Responses[i][0], 64)
		if err != nil || math.Abs(ours-ll) > tolerance {
			t.Errorf("document %d, choice %d: log-likelihood %s, want %v", want.DocID, i, got.Responses[i][0], ll)
		}
	}
	if math.Abs(got.Acc-want.Metrics["acc"]) > tolerance {
		t.Errorf("document %d: acc %v, want %v", want.DocID, got.Acc, want.Metrics["acc"])
	}
	return len(want.LLs)
}

// arcValidation is a data folder whose ARC-Challenge has the validation split as
// its test, as the stored runs had.
func arcValidation(t *testing.T, bench string) string {
	t.Helper()
	dir := t.TempDir()
	arc := filepath.Join("allenai", "ai2_arc", "ARC-Challenge")
	if err := os.MkdirAll(filepath.Join(dir, arc), 0o755); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{"test.jsonl": "validation.jsonl", "train.jsonl": "train.jsonl"} {
		if err := os.Symlink(filepath.Join(bench, "hub", arc, from), filepath.Join(dir, arc, to)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readStored(t *testing.T, path string) []stored {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return readLines[stored](t, unpacked)
}

func readSamples(t *testing.T, out, task string) []sample {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(out, "*", "samples_"+task+"_*.jsonl"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%d samples files: %v", len(paths), err)
	}
	f, err := os.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return readLines[sample](t, f)
}

func readLines[T any](t *testing.T, r io.Reader) []T {
	t.Helper()
	var all []T
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
