package backendtest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// Golden are log-probabilities and gradients that transformers computed in
// float64: sequences of ids, the weight of each in the objective
// Σ weight · Σ log p(token), and samples of the objective's gradient.
type Golden struct {
	Sequences [][]int32              `json:"sequences"`
	Weights   []float64              `json:"weights"`
	Total     []float64              `json:"total_logp_f64"`
	PerToken  map[string][]float64   `json:"token_logp_f64"`
	Gradient  map[string]fingerprint `json:"grad_f64"`
}

// A fingerprint is a tensor's norm and samples of it.
type fingerprint struct {
	L2     float64   `json:"l2"`
	Index  []int     `json:"idx"`
	Values []float64 `json:"val"`
}

// ReadGolden reads golden.json of a model's folder.
func ReadGolden(t testing.TB, dir string) Golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g Golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// Families runs f as a subtest with each of the shared data's tiny models.
func Families(t *testing.T, f func(t *testing.T, dir string)) {
	for _, family := range []string{
		"llama_gqa", "llama_tied", "llama_bias", "llama_rope_linear", "llama_rope_dynamic", "llama_rope_llama3",
		"llama_rope_yarn", "mistral_sw16", "qwen2", "qwen3",
	} {
		t.Run(family, func(t *testing.T) { f(t, filepath.Join(testenv.Shared(t), "golden", "arch", family)) })
	}
}

// items makes a prompt of each sequence's first token and a completion of the rest.
func (g Golden) items() []core.Item {
	items := make([]core.Item, len(g.Sequences))
	for i, s := range g.Sequences {
		items[i] = core.Item{Prompt: s[:1], Completions: [][]int32{s[1:]}}
	}
	return items
}

// CheckScores compares log-probabilities to 1e-4 and returns them.
func (g Golden) CheckScores(t *testing.T, m core.Model) [][]core.Score {
	t.Helper()
	scores, err := m.LogProbs(t.Context(), g.items(), core.Detail{PerToken: true})
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, s := range scores {
		worst = max(worst, math.Abs(s[0].LogProb-g.Total[i]))
		for k, want := range g.PerToken[fmt.Sprint(i)] {
			worst = max(worst, math.Abs(s[0].TokenLogProbs[k]-want))
		}
	}
	t.Logf("log-probabilities within %.2g", worst)
	if !(worst <= 1e-4) {
		t.Errorf("log-probabilities differ by %.2g", worst)
	}
	return scores
}

// CheckGradient compares the gradient of each tensor to 1e-4 of its norm; gradients
// returns what m has accumulated, by the parameters' names. In training m must score
// as CheckScores does, up to a tolerance.
func (g Golden) CheckGradient(t *testing.T, m core.Model, scores [][]core.Score, tolerance float64, gradients func() map[string][]float32) {
	t.Helper()
	err := m.Accumulate(t.Context(), g.items(), func(again [][]core.Score) ([][]float64, error) {
		w := make([][]float64, len(again))
		for i := range w {
			w[i] = g.Weights[i : i+1]
			if off := math.Abs(again[i][0].LogProb - scores[i][0].LogProb); !(off <= tolerance) {
				t.Errorf("sequence %d: %v in training, %v in scoring", i, again[i][0].LogProb, scores[i][0].LogProb)
			}
		}
		return w, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, worst := gradients(), 0.0
	if len(got) != len(g.Gradient) {
		t.Errorf("%d gradients, golden has %d", len(got), len(g.Gradient))
	}
	for name, want := range g.Gradient {
		off := want.distance(got[name]) / want.L2
		if !(off <= 1e-4) {
			t.Errorf("gradient of %q differs by %.2g of its norm", name, off)
		}
		worst = max(worst, off)
	}
	t.Logf("gradients within %.2g", worst)
}

// distance returns the largest difference of the norm and the samples.
func (f fingerprint) distance(x []float32) float64 {
	off := math.Abs(norm(x) - f.L2)
	for k, at := range f.Index {
		if at >= len(x) {
			return math.Inf(1)
		}
		off = max(off, math.Abs(float64(x[at])-f.Values[k]))
	}
	return off
}

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
