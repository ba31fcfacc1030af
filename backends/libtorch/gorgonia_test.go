//go:build libtorch

package libtorch

import (
	"math"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia"
	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// TestGorgonia compares the two backends on the embedded example: log-probabilities
// before and after three updates, in both arithmetics.
func TestGorgonia(t *testing.T) {
	for dtype, tolerance := range map[string]float64{settings.Float32: 1e-3, settings.BF16: 0.5} {
		t.Run(dtype, func(t *testing.T) {
			var runs [2][]float64
			for i, b := range []core.Backend{New(), gorgonia.New()} {
				options := core.Options{"threads": 2}
				if i == 0 {
					options["device"] = device
				}
				runs[i] = trainEmbedded(t, b, core.OpenOptions{DType: dtype, Train: true, Options: options})
			}
			worst := 0.0
			for k, a := range runs[0] {
				worst = max(worst, math.Abs(a-runs[1][k]))
			}
			t.Logf("log-probabilities differ by at most %.2g", worst)
			if !(worst <= tolerance) {
				t.Errorf("log-probabilities differ by %.2g, more than %g", worst, tolerance)
			}
		})
	}
}

// trainEmbedded returns the log-probabilities of items before and after updates.
func trainEmbedded(t *testing.T, b core.Backend, o core.OpenOptions) []float64 {
	t.Helper()
	m, err := b.Open(background, embedded, o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	items := backendtest.RandomItems(3, 6, 490)
	before := sums(t, m, items)
	trainOn(t, m, items, 3)
	return append(before, sums(t, m, items)...)
}

// trainOn takes updates.
func trainOn(t *testing.T, m core.Model, items []core.Item, updates int) {
	t.Helper()
	for range updates {
		if err := m.Accumulate(background, items, backendtest.DPOWeights); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Update(background, core.Update{LearningRate: 1e-4, MaxGradNorm: 1, Optimizer: backendtest.Optimizers["adamw"]}); err != nil {
			t.Fatal(err)
		}
	}
}

// sums returns the log-probability of each completion.
func sums(t *testing.T, m core.Model, items []core.Item) (logps []float64) {
	t.Helper()
	scores, err := m.LogProbs(background, items, core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range scores {
		for _, s := range item {
			logps = append(logps, s.LogProb)
		}
	}
	return logps
}

// embedded is the model of the example that comes with the program.
const embedded = "../../examples/embedded/model"

// Training that one backend saved goes on in the other as in itself.
func TestResumeAcrossBackends(t *testing.T) {
	torch, other := New(), gorgonia.New()
	for name, c := range map[string]struct{ from, to core.Backend }{
		"from gorgonia": {other, torch}, "to gorgonia": {torch, other},
	} {
		t.Run(name, func(t *testing.T) {
			options := func(b core.Backend, state string) core.OpenOptions {
				o := core.OpenOptions{DType: settings.Float32, Train: true, State: state}
				if b == torch {
					o.Options = core.Options{"device": device}
				}
				return o
			}
			open := func(b core.Backend, dir, state string) core.Model {
				m, err := b.Open(background, dir, options(b, state))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { m.Close() })
				return m
			}
			items := backendtest.RandomItems(3, 6, 490)
			m := open(c.from, embedded, "")
			trainOn(t, m, items, 2)
			dir := t.TempDir()
			if err := m.Save(background, dir, core.SaveOptions{DType: "float32", State: true}); err != nil {
				t.Fatal(err)
			}
			if err := checkpoint.CarryOver(embedded, dir, "float32"); err != nil {
				t.Fatal(err)
			}
			again := open(c.to, dir, dir)
			trainOn(t, m, items, 3)
			trainOn(t, again, items, 3)
			want, got := sums(t, m, items), sums(t, again, items)
			for k := range want {
				if !(math.Abs(want[k]-got[k]) <= 1e-4) {
					t.Errorf("completion %d: %v, %v where training went on in one backend", k, got[k], want[k])
				}
			}
		})
	}
}
