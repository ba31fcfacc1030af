package backendtest

import (
	"encoding/json"
	"io"
	"math"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// A trace is a DPO run of TRL on the tiny model of the shared data.
type trace struct {
	Config struct {
		Beta  float64 `json:"beta"`
		Batch int     `json:"batch"`
		Max   int     `json:"max_length"` // of prompt and completion, keeping the start
	} `json:"config"`
	Run struct {
		Logs         []map[string]float64   `json:"logs"`
		IDs          []Pair                 `json:"ids"`
		Fingerprints map[string]fingerprint `json:"fp"`
	} `json:"trl_8x1"`
}

// items returns the pairs that TRL trained on, cut as it cut them.
func (tr *trace) items() []core.Item {
	items := make([]core.Item, len(tr.Run.IDs))
	for i, p := range tr.Run.IDs {
		items[i] = p.Item()
		for j, c := range items[i].Completions {
			items[i].Completions[j] = c[:min(len(c), tr.Config.Max-len(p.Prompt))]
		}
	}
	return items
}

// CheckTRL repeats TRL's updates from its ids: each loss, gradient norm and margin,
// and the weights in the end.
func CheckTRL(t *testing.T, b core.Backend, o core.OpenOptions) {
	shared := filepath.Join(testenv.Shared(t), "golden", "trl")
	var tr trace
	unzip(t, filepath.Join(shared, "traces_tiny", "a_dpo_ultrafeedback64.json.gz"), func(r io.Reader) error {
		return json.NewDecoder(r).Decode(&tr)
	})
	o.Train = true
	m := open(t, b, filepath.Join(shared, "tiny"), o)
	items := tr.items()
	reference, err := m.LogProbs(t.Context(), items, core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	rates := 0.0
	for lo := 0; lo < len(items); lo += tr.Config.Batch {
		log := tr.Run.Logs[lo/tr.Config.Batch]
		rates += log["learning_rate"]
		replay(t, m, items[lo:lo+tr.Config.Batch], reference[lo:], tr.Config.Beta, log)
	}
	dir := t.TempDir()
	if err := m.Save(t.Context(), dir, core.SaveOptions{DType: "float32"}); err != nil {
		t.Fatal(err)
	}
	compareWeights(t, dir, tr.Run.Fingerprints, rates)
}

// replay takes one update of the sigmoid loss and compares it with TRL's log.
func replay(t *testing.T, m core.Model, items []core.Item, reference [][]core.Score, beta float64, log map[string]float64) {
	t.Helper()
	n := float64(len(items))
	loss, margin := 0.0, 0.0
	err := m.Accumulate(t.Context(), items, func(scores [][]core.Score) ([][]float64, error) {
		weights := make([][]float64, len(scores))
		for i, s := range scores {
			delta := s[0].LogProb - reference[i][0].LogProb - s[1].LogProb + reference[i][1].LogProb
			loss += math.Log1p(math.Exp(-beta*delta)) / n
			margin += beta * delta / n
			slope := beta / (1 + math.Exp(beta*delta)) / n
			weights[i] = []float64{-slope, slope}
		}
		return weights, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stats, err := m.Update(t.Context(), core.Update{
		LearningRate: log["learning_rate"], MaxGradNorm: 1,
		Optimizer: core.Optimizer{Name: "adamw", Beta1: .9, Beta2: .999, Epsilon: 1e-8},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		got, tolerance float64
	}{
		{"loss", loss, 2e-5},
		{"rewards/margins", margin, 5e-5},
		{"grad_norm", stats.GradNorm, 1e-3 * log["grad_norm"]},
	} {
		if !(math.Abs(c.got-log[c.name]) <= c.tolerance) {
			t.Errorf("%s %v, TRL's %v", c.name, c.got, log[c.name])
		}
	}
}

// compareWeights compares saved weights with samples of TRL's: 99 % to 1e-6. A
// first step of Adam moves an entry with a noise-level gradient by the whole rate
// either way.
func compareWeights(t *testing.T, dir string, want map[string]fingerprint, rates float64) {
	t.Helper()
	from, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	off, samples := 0, 0
	for _, name := range from.Names() {
		tensor, _ := from.Tensor(name)
		values := make([]float32, checkpoint.Param{Shape: tensor.Shape}.Size())
		if err := from.Float32(name, values); err != nil {
			t.Fatal(err)
		}
		f, ok := want[name]
		if !ok {
			t.Errorf("no fingerprint of %q", name)
		}
		for k, at := range f.Index {
			d := math.Abs(float64(values[at]) - f.Values[k])
			if d > 2*rates {
				t.Errorf("%s[%d] is %v, TRL's %v", name, at, values[at], f.Values[k])
			}
			if d > 1e-6 {
				off++
			}
			samples++
		}
		if l2 := norm(values); !(math.Abs(l2-f.L2) <= 1e-7*f.L2) {
			t.Errorf("norm of %s is %v, TRL's %v", name, l2, f.L2)
		}
	}
	t.Logf("%d of %d samples differ by more than 1e-6", off, samples)
	if 100*off > samples {
		t.Error("more than 1 %")
	}
}
