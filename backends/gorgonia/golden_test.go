package gorgonia

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// golden are log-probabilities and gradients that transformers computed in
// float64: sequences of ids, the weight of each in the objective
// Σ weight · Σ log p(token), and samples of the objective's gradient.
type golden struct {
	Sequences [][]int32            `json:"sequences"`
	Weights   []float64            `json:"weights"`
	Total     []float64            `json:"total_logp_f64"`
	PerToken  map[string][]float64 `json:"token_logp_f64"`
	Gradient  map[string]struct {
		Shape  []int     `json:"shape"`
		L2     float64   `json:"l2"`
		Index  []int     `json:"idx"`
		Values []float64 `json:"val"`
	} `json:"grad_f64"`
}

func readGolden(t *testing.T, path string) golden {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// items makes a prompt of each sequence's first token and a completion of the rest.
func (g golden) items() []core.Item {
	items := make([]core.Item, len(g.Sequences))
	for i, s := range g.Sequences {
		items[i] = core.Item{Prompt: s[:1], Completions: [][]int32{s[1:]}}
	}
	return items
}

func open(t testing.TB, dir string, o core.OpenOptions) *Model {
	t.Helper()
	if o.DType == "" {
		o.DType = "float32"
	}
	m, err := Backend{}.Open(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m.(*Model)
}

// families are the tiny models of the shared data that the backend can build.
var families = []string{
	"llama_gqa", "llama_tied", "llama_bias", "llama_rope_linear", "llama_rope_dynamic", "llama_rope_llama3",
	"llama_rope_yarn", "mistral_sw16", "qwen2", "qwen3",
}

// tiny is a random Llama that this project made (testdata/make_golden.py).
const tiny = "testdata/tiny"

func TestTiny(t *testing.T) {
	g := readGolden(t, filepath.Join(tiny, "golden.json"))
	for _, o := range []core.Options{{"threads": 1}, {"threads": 3, "recompute": true}} {
		t.Run(fmt.Sprint(o), func(t *testing.T) { checkGolden(t, tiny, g, o) })
	}
}

func TestFamilies(t *testing.T) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			dir := filepath.Join(testenv.Shared(t), "golden", "arch", family)
			checkGolden(t, dir, readGolden(t, filepath.Join(dir, "golden.json")), nil)
		})
	}
}

// checkGolden compares log-probabilities to 1e-4 and gradients to 1e-4 of each
// tensor's norm.
func checkGolden(t *testing.T, dir string, g golden, o core.Options) {
	t.Helper()
	m := open(t, dir, core.OpenOptions{Train: true, Options: o})
	scores, err := m.LogProbs(context.Background(), g.items(), core.Detail{PerToken: true})
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
	if !(worst <= 1e-4) {
		t.Errorf("log-probabilities differ by %.2g", worst)
	}
	if err := m.Accumulate(context.Background(), g.items(), func(again [][]core.Score) ([][]float64, error) {
		w := make([][]float64, len(again))
		for i := range w {
			w[i] = g.Weights[i : i+1]
			if again[i][0].LogProb != scores[i][0].LogProb {
				t.Errorf("sequence %d: %v in training, %v in scoring", i, again[i][0].LogProb, scores[i][0].LogProb)
			}
		}
		return w, nil
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("log-probabilities within %.2g, gradients within %.2g", worst, compareGradients(t, m, g))
}

// compareGradients returns the worst difference, relative to the tensor's norm.
func compareGradients(t *testing.T, m *Model, g golden) (worst float64) {
	t.Helper()
	seen := 0
	for _, w := range m.weights.all() {
		_ = w.each(w.accumulated(), func(p checkpoint.Param, grad []float32) error {
			want, ok := g.Gradient[p.Name]
			if !ok {
				t.Errorf("no golden gradient of %q", p.Name)
				return nil
			}
			seen++
			sum := 0.0
			for _, v := range grad {
				sum += float64(v) * float64(v)
			}
			off := math.Abs(math.Sqrt(sum) - want.L2)
			for k, at := range want.Index {
				off = max(off, math.Abs(float64(grad[at])-want.Values[k]))
			}
			if off /= want.L2; !(off <= 1e-4) {
				t.Errorf("gradient of %q differs by %.2g of its norm", p.Name, off)
			}
			worst = max(worst, off)
			return nil
		})
	}
	if seen != len(g.Gradient) {
		t.Errorf("%d gradients, golden has %d", seen, len(g.Gradient))
	}
	return worst
}
