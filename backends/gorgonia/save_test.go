package gorgonia

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/core"
)

func update(t testing.TB, m *Model, u core.Update) core.UpdateStats {
	t.Helper()
	stats, err := m.Update(background, u)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func values(m *Model) [][]float32 {
	var all [][]float32
	for _, w := range m.weights.all() {
		all = append(all, slices.Clone(w.values))
	}
	return all
}

// Training that was saved and opened goes on as if it had not been, bit for bit,
// also from weights that were rounded for others to read.
func TestResume(t *testing.T) {
	for name, o := range backendtest.Optimizers {
		for _, c := range [][2]string{{"float32", "float32"}, {"float32", "bf16"}, {"bf16", "float32"}} {
			t.Run(fmt.Sprint(name, c), func(t *testing.T) {
				u := core.Update{LearningRate: 1e-2, MaxGradNorm: 1, Optimizer: o}
				step := func(m *Model, seed uint64) {
					accumulate(t, m, randomItems(seed, 4), ramp)
					update(t, m, u)
				}
				m := open(t, tiny, core.OpenOptions{Train: true, DType: c[0]})
				step(m, 1)
				step(m, 2)
				dir := saved(t, m, core.SaveOptions{DType: c[1], State: true})
				again := open(t, dir, core.OpenOptions{Train: true, DType: c[0], State: dir})
				step(m, 3)
				step(again, 3)
				if !reflect.DeepEqual(values(m), values(again)) {
					t.Error("the third step differs after saving and opening")
				}
			})
		}
	}
}

// The state of a model that has taken no step is no step.
func TestStateBeforeTraining(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	dir := saved(t, m, core.SaveOptions{DType: "float32", State: true})
	again := open(t, dir, core.OpenOptions{Train: true, State: dir})
	if !reflect.DeepEqual(values(m), values(again)) || again.optimizer != (training.State{}) {
		t.Errorf("opened with other weights or optimizer %+v", again.optimizer)
	}
}

func TestStateRefused(t *testing.T) {
	open := func(dir string, train bool) error {
		_, err := Backend{}.Open(background, tiny, core.OpenOptions{DType: "float32", Train: train, State: dir})
		return err
	}
	if err := open(t.TempDir(), true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v of a folder without state", err)
	}
	if err := open(t.TempDir(), false); err == nil || !strings.Contains(err.Error(), "scoring") {
		t.Errorf("error %v of state for scoring", err)
	}
}

func TestSaveRefused(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{})
	if err := m.Save(background, t.TempDir(), core.SaveOptions{DType: "int8"}); err == nil || !strings.Contains(err.Error(), `dtype "int8"`) {
		t.Errorf("error %v", err)
	}
	if err := m.Save(background, t.TempDir(), core.SaveOptions{DType: "float32", State: true}); err == nil || !strings.Contains(err.Error(), "no optimizer state") {
		t.Errorf("error %v", err)
	}
}

func TestUpdateRefused(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	adamw := core.Update{LearningRate: 1e-3, Optimizer: backendtest.Optimizers["adamw"]}
	if _, err := m.Update(background, core.Update{MaxGradNorm: -1, Optimizer: backendtest.Optimizers["adamw"]}); err == nil || !strings.Contains(err.Error(), "max_grad_norm -1") {
		t.Errorf("error %v", err)
	}
	accumulate(t, m, randomItems(1, 2), ramp)
	update(t, m, adamw)
	if _, err := m.Update(background, core.Update{Optimizer: backendtest.Optimizers["rmsprop"]}); err == nil || !strings.Contains(err.Error(), "cannot become") {
		t.Errorf("error %v of another optimizer", err)
	}
}

func TestUpdateNotFinite(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	before := values(m)
	accumulate(t, m, randomItems(1, 2), func(s [][]core.Score) ([][]float64, error) {
		w, _ := ramp(s)
		w[0][0] = math.NaN()
		return w, nil
	})
	_, err := m.Update(background, core.Update{LearningRate: 1, Optimizer: backendtest.Optimizers["adamw"]})
	if !errors.Is(err, core.ErrNotFinite) {
		t.Errorf("error %v, want %v", err, core.ErrNotFinite)
	}
	if !reflect.DeepEqual(values(m), before) {
		t.Error("the weights changed")
	}
	if norm := update(t, m, core.Update{Optimizer: backendtest.Optimizers["adamw"]}).GradNorm; norm != 0 {
		t.Errorf("gradient norm %v afterwards", norm)
	}
}

// Weight decay alone moves matrices and the embedding, and spares norms.
func TestDecaySparesNorms(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	before := values(m)
	update(t, m, core.Update{LearningRate: 1e-2, Optimizer: backendtest.Optimizers["adamw"]})
	for i, w := range m.weights.all() {
		for k, v := range w.values {
			want := before[i][k]
			if w.matrix {
				want *= float32(1 - 1e-2*.1)
			}
			if v != want {
				t.Fatalf("%q[%d] is %v, want %v", w.name(), k, v, want)
			}
		}
	}
}
