//go:build libtorch

package libtorch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

var background = context.Background()

// golden are log-probabilities and gradients that transformers computed in
// float64: sequences of ids, the weight of each in the objective
// Σ weight · Σ log p(token), and samples of the objective's gradient.
type golden struct {
	Sequences [][]int32            `json:"sequences"`
	Weights   []float64            `json:"weights"`
	Total     []float64            `json:"total_logp_f64"`
	PerToken  map[string][]float64 `json:"token_logp_f64"`
	Gradient  map[string]struct {
		L2     float64   `json:"l2"`
		Index  []int     `json:"idx"`
		Values []float64 `json:"val"`
	} `json:"grad_f64"`
}

func readGolden(t *testing.T, dir string) golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
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

// device is where the tests run.
var device = cmp.Or(os.Getenv("STEPWISE_DEVICE"), "cpu")

// open opens a model on that device unless the options name one.
func open(t testing.TB, dir string, o core.OpenOptions) *Model {
	t.Helper()
	if o.DType == "" {
		o.DType = float32Name
	}
	if o.Options["device"] == nil {
		options := core.Options{"device": device}
		for name, value := range o.Options {
			options[name] = value
		}
		o.Options = options
	}
	m, err := Backend{}.Open(background, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.(*Model)
}

// tiny is a random Llama that this project made: see make_golden.py beside it.
const tiny = "../gorgonia/testdata/tiny"

// families are the tiny models of the shared data that the backend can build.
var families = []string{
	"llama_gqa", "llama_tied", "llama_bias", "llama_rope_linear", "llama_rope_dynamic", "llama_rope_llama3",
	"llama_rope_yarn", "mistral_sw16", "qwen2", "qwen3",
}

func TestTiny(t *testing.T) {
	g := readGolden(t, tiny)
	for _, o := range []core.Options{{"threads": 1}, {"threads": 2, "checkpointing": true}} {
		t.Run(fmt.Sprint(o), func(t *testing.T) { checkGolden(t, tiny, g, o) })
	}
}

func TestFamilies(t *testing.T) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			dir := filepath.Join(testenv.Shared(t), "golden", "arch", family)
			checkGolden(t, dir, readGolden(t, dir), nil)
		})
	}
}

// checkGolden compares log-probabilities to 1e-4 and gradients to 1e-4 of each
// tensor's norm.
func checkGolden(t *testing.T, dir string, g golden, o core.Options) {
	t.Helper()
	m := open(t, dir, core.OpenOptions{Train: true, Options: o})
	worst := checkScores(t, m, g)
	err := m.Accumulate(background, g.items(), func(again [][]core.Score) ([][]float64, error) {
		w := make([][]float64, len(again))
		for i := range w {
			w[i] = g.Weights[i : i+1]
			if off := math.Abs(again[i][0].LogProb - g.Total[i]); !(off <= 1e-4) {
				t.Errorf("sequence %d differs by %.2g in training", i, off)
			}
		}
		return w, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("log-probabilities within %.2g, gradients within %.2g", worst, compareGradients(t, m, g))
}

// checkScores compares log-probabilities in one pass and cut into passes of few
// rows, and returns the worst difference.
func checkScores(t *testing.T, m *Model, g golden) (worst float64) {
	t.Helper()
	for _, m.rows = range []int{0, 7} {
		scores, err := m.LogProbs(background, g.items(), core.Detail{PerToken: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range scores {
			worst = max(worst, math.Abs(s[0].LogProb-g.Total[i]))
			for k, want := range g.PerToken[fmt.Sprint(i)] {
				worst = max(worst, math.Abs(s[0].TokenLogProbs[k]-want))
			}
		}
	}
	if !(worst <= 1e-4) {
		t.Errorf("log-probabilities differ by %.2g", worst)
	}
	return worst
}

// compareGradients returns the worst difference, relative to the tensor's norm.
func compareGradients(t *testing.T, m *Model, g golden) (worst float64) {
	t.Helper()
	for _, w := range m.weights {
		want, ok := g.Gradient[w.param.Name]
		if !ok {
			t.Errorf("no golden gradient of %q", w.param.Name)
			continue
		}
		grad := gradient(t, w)
		off := math.Abs(norm(grad) - want.L2)
		for k, at := range want.Index {
			off = max(off, math.Abs(float64(grad[at])-want.Values[k]))
		}
		if off /= want.L2; !(off <= 1e-4) {
			t.Errorf("gradient of %q differs by %.2g of its norm", w.param.Name, off)
		}
		worst = max(worst, off)
	}
	if len(m.weights) != len(g.Gradient) {
		t.Errorf("%d gradients, golden has %d", len(m.weights), len(g.Gradient))
	}
	return worst
}

func gradient(t *testing.T, w *weight) []float32 {
	t.Helper()
	out := make([]float32, w.param.Size())
	err := torch.Do(func() error {
		var s torch.Scope
		defer s.Free()
		torch.Floats(s.Gradient(w.value), out)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// contents returns the weights' values.
func contents(t testing.TB, m *Model) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	err := torch.Do(func() error {
		for _, w := range m.weights {
			x := make([]float32, w.param.Size())
			torch.Floats(w.value, x)
			out[w.param.Name] = slices.Clip(x)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
