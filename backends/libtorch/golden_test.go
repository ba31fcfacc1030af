//go:build libtorch

package libtorch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
)

var background = context.Background()

// device is where the tests run.
var device = cmp.Or(os.Getenv("STEPWISE_DEVICE"), "cpu")

// on returns how models are opened by default: float32, on that device.
func on(o core.OpenOptions) core.OpenOptions {
	o.DType = cmp.Or(o.DType, settings.Float32)
	options := core.Options{"device": device}
	maps.Copy(options, o.Options)
	o.Options = options
	return o
}

func open(t testing.TB, dir string, o core.OpenOptions) *Model {
	t.Helper()
	m, err := Backend{}.Open(background, dir, on(o))
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

func TestTiny(t *testing.T) {
	for _, o := range []core.Options{{"threads": 1}, {"threads": 2, "checkpointing": true}} {
		t.Run(fmt.Sprint(o), func(t *testing.T) { checkGolden(t, tiny, o) })
	}
}

func TestFamilies(t *testing.T) {
	backendtest.Families(t, func(t *testing.T, dir string) { checkGolden(t, dir, nil) })
}

// checkGolden compares with transformers, also where scoring is cut into passes of
// few rows.
func checkGolden(t *testing.T, dir string, o core.Options) {
	t.Helper()
	m, g := open(t, dir, core.OpenOptions{Train: true, Options: o}), backendtest.ReadGolden(t, dir)
	var scores [][]core.Score
	for _, m.rows = range []int{7, 0} {
		scores = g.CheckScores(t, m)
	}
	g.CheckGradient(t, m, scores, 1e-4, func() map[string][]float32 {
		grads := map[string][]float32{}
		for _, w := range m.weights {
			grads[w.param.Name] = gradient(t, w)
		}
		return grads
	})
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
