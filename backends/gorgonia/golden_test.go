package gorgonia

import (
	"context"
	"fmt"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

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

// tiny is a random Llama that this project made (testdata/make_golden.py).
const tiny = "testdata/tiny"

func TestTiny(t *testing.T) {
	for _, o := range []core.Options{{"threads": 1}, {"threads": 3, "recompute": true}} {
		t.Run(fmt.Sprint(o), func(t *testing.T) { checkGolden(t, tiny, o) })
	}
}

func TestFamilies(t *testing.T) {
	backendtest.Families(t, func(t *testing.T, dir string) { checkGolden(t, dir, nil) })
}

// checkGolden compares with transformers; training and scoring see the same bits.
func checkGolden(t *testing.T, dir string, o core.Options) {
	t.Helper()
	m, g := open(t, dir, core.OpenOptions{Train: true, Options: o}), backendtest.ReadGolden(t, dir)
	g.CheckGradient(t, m, g.CheckScores(t, m), 0, func() map[string][]float32 {
		grads := map[string][]float32{}
		for _, w := range m.weights.all() {
			_ = w.each(w.accumulated(), func(p checkpoint.Param, grad []float32) error {
				grads[p.Name] = grad
				return nil
			})
		}
		return grads
	})
}
