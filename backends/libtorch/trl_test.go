//go:build libtorch

package libtorch

import (
	"encoding/json"
	"io"
	"math"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// trace is a DPO run of TRL on the tiny model of the shared data.
type trace struct {
	Config struct {
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
	} `json:"trl_8x1"`
}

// TestTRLTrace repeats TRL's updates from its ids: each loss, margin and gradient
// norm.
func TestTRLTrace(t *testing.T) {
	shared := filepath.Join(testenv.Shared(t), "golden", "trl")
	var tr trace
	unzip(t, filepath.Join(shared, "traces_tiny", "a_dpo_ultrafeedback64.json.gz"), func(r io.Reader) error {
		return json.NewDecoder(r).Decode(&tr)
	})
	m := open(t, filepath.Join(shared, "tiny"), core.OpenOptions{Train: true})
	items := make([]core.Item, len(tr.Run.IDs))
	for i, p := range tr.Run.IDs {
		items[i] = core.Item{Prompt: p.Prompt}
		for _, c := range [][]int32{p.Chosen, p.Rejected} {
			items[i].Completions = append(items[i].Completions, c[:min(len(c), tr.Config.Max-len(p.Prompt))])
		}
	}
	reference, err := m.LogProbs(background, items, core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	updates := 0
	for lo := 0; lo < len(items); lo += tr.Config.Batch {
		replay(t, m, items[lo:lo+tr.Config.Batch], reference[lo:], tr.Config.Beta, tr.Run.Logs[updates])
		updates++
	}
	t.Logf("%d updates", updates)
}

// replay takes one update of the sigmoid loss and compares it with TRL's log.
func replay(t *testing.T, m *Model, items []core.Item, reference [][]core.Score, beta float64, log map[string]float64) {
	t.Helper()
	n := float64(len(items))
	loss, margin := 0.0, 0.0
	accumulate(t, m, items, func(scores [][]core.Score) ([][]float64, error) {
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
	stats := update(t, m, core.Update{
		LearningRate: log["learning_rate"], MaxGradNorm: 1,
		Optimizer: core.Optimizer{Name: "adamw", Beta1: .9, Beta2: .999, Epsilon: 1e-8},
	})
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
