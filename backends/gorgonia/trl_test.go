package gorgonia

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// trace is a DPO run of TRL on the tiny model of the shared data.
type trace struct {
	Config struct {
		LR    float64 `json:"lr"`
		Beta  float64 `json:"beta"`
		Batch int     `json:"batch"`
		Max   int     `json:"max_length"` // of prompt and completion, keeping the start
	} `json:"config"`
	Run struct {
		Logs []map[string]float64 `json:"logs"`
		IDs  []struct {
			Prompt   []int32 `json:"prompt_ids"`
			Chosen   []int32 `json:"chosen_ids"`
			Rejected []int32 `json:"rejected_ids"`
		} `json:"ids"`
		Fingerprints map[string]struct {
			L2     float64   `json:"l2"`
			Index  []int     `json:"idx"`
			Values []float64 `json:"val"`
		} `json:"fp"`
	} `json:"trl_8x1"`
}

// TestTRLTrace repeats TRL's updates from its ids: each loss, gradient norm and
// margin, and the weights in the end.
func TestTRLTrace(t *testing.T) {
	shared := filepath.Join(testenv.Shared(t), "golden", "trl")
	tr := readTrace(t, filepath.Join(shared, "traces_tiny", "a_dpo_ultrafeedback64.json.gz"))
	m := open(t, filepath.Join(shared, "tiny"), core.OpenOptions{Train: true})
	items := make([]core.Item, len(tr.Run.IDs))
	for i, p := range tr.Run.IDs {
		items[i] = core.Item{Prompt: p.Prompt}
		for _, c := range [][]int32{p.Chosen, p.Rejected} {
			items[i].Completions = append(items[i].Completions, c[:min(len(c), tr.Config.Max-len(p.Prompt))])
		}
	}
	reference := logProbs(t, m, items)
	rates := 0.0
	for step := 0; step*tr.Config.Batch < len(items); step++ {
		lo := step * tr.Config.Batch
		log := tr.Run.Logs[step]
		rates += log["learning_rate"]
		replay(t, m, items[lo:lo+tr.Config.Batch], reference[lo:], tr.Config.Beta, log)
	}
	compareFingerprints(t, m, tr, rates)
}

func readTrace(t *testing.T, path string) trace {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var tr trace
	if err := json.NewDecoder(z).Decode(&tr); err != nil {
		t.Fatal(err)
	}
	return tr
}

// replay takes one update of the sigmoid loss and compares it with TRL's log.
func replay(t *testing.T, m *Model, items []core.Item, reference [][]core.Score, beta float64, log map[string]float64) {
	t.Helper()
	n := float64(len(items))
	total, margin := 0.0, 0.0
	accumulate(t, m, items, func(scores [][]core.Score) ([][]float64, error) {
		weights := make([][]float64, len(scores))
		for i, s := range scores {
			delta := s[0].LogProb - reference[i][0].LogProb - s[1].LogProb + reference[i][1].LogProb
			total += math.Log1p(math.Exp(-beta*delta)) / n
			margin += beta * delta / n
			slope := beta / (1 + math.Exp(beta*delta)) / n
			weights[i] = []float64{-slope, slope}
		}
		return weights, nil
	})
	stats := update(t, m, core.Update{
		LearningRate: log["learning_rate"], MaxGradNorm: 1,
		Optimizer: core.Optimizer{Name: "adamw", Beta1: .9, Beta2: .999, Epsilon: 1e-8},
	})
	for _, c := range []struct {
		name           string
		got, tolerance float64
	}{
		{"loss", total, 2e-5},
		{"rewards/margins", margin, 5e-5},
		{"grad_norm", stats.GradNorm, 1e-3 * log["grad_norm"]},
	} {
		if !(math.Abs(c.got-log[c.name]) <= c.tolerance) {
			t.Errorf("%s %v, TRL's %v", c.name, c.got, log[c.name])
		}
	}
}

// compareFingerprints compares the weights with samples of TRL's. A first step of
// Adam moves an entry with a noise-level gradient by the whole rate either way.
func compareFingerprints(t *testing.T, m *Model, tr trace, rates float64) {
	t.Helper()
	off, samples := 0, 0
	for _, w := range m.weights.all() {
		_ = w.each(w.values, func(p checkpoint.Param, values []float32) error {
			want, ok := tr.Run.Fingerprints[p.Name]
			if !ok {
				t.Errorf("no fingerprint of %q", p.Name)
				return nil
			}
			for k, at := range want.Index {
				d := math.Abs(float64(values[at]) - want.Values[k])
				if d > 2*rates {
					t.Errorf("%s[%d] is %v, TRL's %v", p.Name, at, values[at], want.Values[k])
				}
				if d > 1e-6 {
					off++
				}
				samples++
			}
			sum := 0.0
			for _, v := range values {
				sum += float64(v) * float64(v)
			}
			if l2 := math.Sqrt(sum); !(math.Abs(l2-want.L2) <= 1e-7*want.L2) {
				t.Errorf("norm of %s is %v, TRL's %v", p.Name, l2, want.L2)
			}
			return nil
		})
	}
	t.Logf("%d of %d samples differ by more than 1e-6", off, samples)
	if 100*off > samples {
		t.Error("more than 1 %")
	}
}
