//go:build unix

package plugins

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// rung is one of the two ways to reach a plugin.
type rung struct {
	name string
	open func(t *testing.T, kind Kind, name string) *Plugin
}

var rungs = []rung{
	{"in memory", func(t *testing.T, kind Kind, name string) *Plugin {
		s, err := testBuiltins.service(kind, name)
		if err != nil {
			t.Fatal(err)
		}
		return inProcess(t, s)
	}},
	{"subprocess", func(t *testing.T, kind Kind, name string) *Plugin {
		p, err := testManager().start(t.Context(), kind, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		return p
	}},
}

func onRungs(t *testing.T, test func(t *testing.T, r rung)) {
	for _, r := range rungs {
		t.Run(r.name, func(t *testing.T) { test(t, r) })
	}
}

func (r rung) partitioner(t *testing.T, name string, o core.Options) *Partitioner {
	t.Helper()
	p, err := newPartitioner(t.Context(), r.open(t, KindPartitioner, name), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r rung) evaluator(t *testing.T, name string) *Evaluator {
	t.Helper()
	e, err := newEvaluator(t.Context(), r.open(t, KindEvaluator, name), nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (r rung) backend(t *testing.T, name string) *Backend {
	t.Helper()
	return newBackend(r.open(t, KindBackend, name))
}

func TestConformance(t *testing.T) {
	path := t.TempDir()
	if err := coretest.WriteModel(path, 40, 5, 1); err != nil {
		t.Fatal(err)
	}
	onRungs(t, func(t *testing.T, r rung) {
		t.Run("backend", func(t *testing.T) {
			coretest.TestBackend(t, r.backend(t, "tiny"), path, coretest.BackendOptions{LogProb: 1e-9, Gradient: 1e-3})
		})
		t.Run("partitioner", func(t *testing.T) {
			coretest.TestPartitioner(t, r.partitioner(t, "by-gamma", core.Options{"ascending": true}))
		})
		t.Run("evaluator", func(t *testing.T) { coretest.TestEvaluator(t, r.evaluator(t, "gamma")) })
	})
}

// What a model says and learns must be the same bits on both sides of the wire.
func TestTheWireChangesNoBit(t *testing.T) {
	path := t.TempDir()
	if err := coretest.WriteModel(path, coretest.Vocab, 5, 1); err != nil {
		t.Fatal(err)
	}
	weights := func(b core.Backend) []byte {
		m, err := b.Open(t.Context(), path, core.OpenOptions{DType: "float32", Train: true})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for _, source := range coretest.Sources() {
			err := m.Accumulate(t.Context(), source.Items(), func(scores [][]core.Score) ([][]float64, error) {
				w := make([][]float64, len(scores))
				for i, s := range scores {
					w[i] = []float64{s[0].LogProb / 3, -s[1].LogProb / 7}
				}
				return w, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Update(t.Context(), core.Update{LearningRate: 0.1 / 3, MaxGradNorm: 1. / 3, Optimizer: core.Optimizer{
				Name: "adamw", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01,
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		dir := t.TempDir()
		if err := m.Save(t.Context(), dir, core.SaveOptions{DType: "float32", State: true}); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "optimizer.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	want := weights(coretest.Backend{})
	onRungs(t, func(t *testing.T, r rung) {
		if string(weights(r.backend(t, "tiny"))) != string(want) {
			t.Error("the optimizer's state differs from that of the same model without a wire")
		}
	})
}

// Every field of every value, and floats that a careless wire would change.
func TestTheWireKeepsEveryField(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		metrics, err := r.evaluator(t, "echo").Evaluate(t.Context(), echoScorer{}, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(metrics) != len(echoValues) {
			t.Fatalf("%d metrics", len(metrics))
		}
		for i, m := range metrics {
			want := echoValues[i]
			if math.Float64bits(m.Value) != math.Float64bits(want) || math.Float64bits(m.StdErr) != math.Float64bits(-want) || m.N != i {
				t.Errorf("%v came back as %v", want, m)
			}
		}
	})
}

func TestForecast(t *testing.T) {
	path := t.TempDir()
	if err := coretest.WriteModel(path, 40, 5, 1); err != nil {
		t.Fatal(err)
	}
	w := core.Workload{MicroBatch: []core.ItemShape{{Prompt: 100, Completions: []int{20, 30}}}}
	want, err := coretest.Backend{}.Forecast(t.Context(), path, core.OpenOptions{}, w)
	if err != nil {
		t.Fatal(err)
	}
	onRungs(t, func(t *testing.T, r rung) {
		got, err := r.backend(t, "tiny").Forecast(t.Context(), path, core.OpenOptions{}, w)
		if err != nil || got != want {
			t.Errorf("forecast %+v, %v; want %+v", got, err, want)
		}
	})
}
