package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

// printedScores parses what `stepwise score` printed.
func printedScores(t *testing.T, out string) []scoreResult {
	t.Helper()
	var all []scoreResult
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		var r scoreResult
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// TestReferenceIsScore: what a run keeps as step 2's reference is what
// `stepwise score` says of step 1's model, to the bit.
func TestReferenceIsScore(t *testing.T) {
	path, dir := example(t), t.TempDir()
	mustRun(t, "run", path, "--dir", dir, "--set", "train.num_train_epochs=1")
	model := filepath.Join(dir, "example", "step-1", "model")
	cfg, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := scorer.LoadCodec(model)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := newEncoder(codec, cfg.Train.Profile())
	if err != nil {
		t.Fatal(err)
	}
	source, _, _, err := preference.Load(context.Background(), preference.Spec{Name: cfg.Sources[0].Name, Path: cfg.Sources[0].Path}, encoder, cfg.Run.Seed)
	if err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	e := json.NewEncoder(&in)
	for _, p := range source.Pairs {
		if err := e.Encode(map[string]any{"prompt_ids": p.PromptIDs, "completions_ids": [][]int32{p.ChosenIDs, p.RejectedIDs}}); err != nil {
			t.Fatal(err)
		}
	}
	scores := printedScores(t, mustPipe(t, in.String(), "score", "--model", model))
	f, err := record.Open(filepath.Join(dir, "example"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := record.ReadJSONL[record.PairScore](f, "step-2/reference.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(scores) || rows[0].Source != source.Name {
		t.Fatalf("%d rows of %q, %d scores of %q", len(rows), rows[0].Source, len(scores), source.Name)
	}
	for _, r := range rows {
		if s := scores[r.Pair]; s.LogProbs[0] != r.Chosen || s.LogProbs[1] != r.Rejected {
			t.Errorf("pair %d: reference %v, %v; score %v", r.Pair, r.Chosen, r.Rejected, s.LogProbs)
		}
	}
}

// TestDamagedWeights: a model whose scores are NaN is refused, by the line or the
// pair that is found first.
func TestDamagedWeights(t *testing.T) {
	path := example(t)
	weights := filepath.Join(filepath.Dir(path), "model", "model.safetensors")
	raw, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	half := raw[len(raw)/2:]
	copy(half, bytes.Repeat([]byte{0xff}, len(half))) // a NaN in any format
	if err := os.WriteFile(weights, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(filepath.Dir(path), "data", "easy.jsonl")
	for _, c := range []struct {
		stdin, want string
		args        []string
	}{
		{"\n" + `{"prompt": "a", "completions": [" b"]}`, "standard input, line 2: the log-probability of completion 0 is not finite; ", []string{"score", "--model", filepath.Dir(weights)}},
		{"", `source "hard", pair 0: the log-probability of completion 0 is not finite; `, []string{"partition", path}},
		{"", `source "easy", pair 0: the log-probability of completion 0 is not finite; `, []string{"gamma", "--model", filepath.Dir(weights), "--source", source}},
	} {
		out, errs, code := runCommandLine(t, c.stdin, c.args...)
		if code != 1 || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: exit %d, %q, %s, want %q", c.args[0], code, out, errs, c.want)
		}
	}
}

// TestSmolLM2Answers: the real model, through its own chat template, finds the
// right answer the likeliest, token by token.
func TestSmolLM2Answers(t *testing.T) {
	model := testenv.SmolLM2(t)
	out := mustPipe(t, `{"messages": [{"role": "user", "content": "What is the capital of France?"}], `+
		`"completions": ["The capital of France is Paris.<|im_end|>", "The capital of France is Rome.<|im_end|>"]}`,
		"score", "--model", model)
	r := printedScores(t, out)[0]
	if !r.Greedy[0] || r.Greedy[1] || r.LogProbs[0] < r.LogProbs[1]+5 {
		t.Errorf("Paris and Rome: %+v", r)
	}
}
