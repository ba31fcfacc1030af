package gorgonia

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

var optimizers = map[string]core.Optimizer{
	"adamw":   {Name: "adamw", Beta1: .9, Beta2: .999, Epsilon: 1e-8, WeightDecay: .1},
	"rmsprop": {Name: "rmsprop", Alpha: .99, Epsilon: 1e-8, WeightDecay: .1},
}

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
	for name, o := range optimizers {
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
	if !reflect.DeepEqual(values(m), values(again)) || again.optimizer != (optimizer{}) {
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
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, stateFolder), 0o777); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"name":"adam`:              "unexpected end",
		`{"name":"sgd","steps":1}`:   `optimizer "sgd" after 1 steps is not known`,
		`{"name":"adamw","steps":1}`: "safetensors",
	} {
		if err := os.WriteFile(filepath.Join(dir, stateFolder, stateFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := open(dir, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("state %s: error %v, want %q", text, err, want)
		}
	}
	if err := open(dir, false); err == nil || !strings.Contains(err.Error(), "scoring") {
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
	adamw := core.Update{LearningRate: 1e-3, Optimizer: optimizers["adamw"]}
	for want, u := range map[string]core.Update{
		`optimizer "sgd" is not known`: {Optimizer: core.Optimizer{Name: "sgd"}},
		"max_grad_norm -1":             {MaxGradNorm: -1, Optimizer: optimizers["adamw"]},
		"NaN is not a number":          {LearningRate: math.NaN(), Optimizer: optimizers["adamw"]},
	} {
		if _, err := m.Update(background, u); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	accumulate(t, m, randomItems(1, 2), ramp)
	update(t, m, adamw)
	if _, err := m.Update(background, core.Update{Optimizer: optimizers["rmsprop"]}); err == nil || !strings.Contains(err.Error(), "cannot become") {
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
	_, err := m.Update(background, core.Update{LearningRate: 1, Optimizer: optimizers["adamw"]})
	if !errors.Is(err, core.ErrNotFinite) {
		t.Errorf("error %v, want %v", err, core.ErrNotFinite)
	}
	if !reflect.DeepEqual(values(m), before) {
		t.Error("the weights changed")
	}
	if norm := update(t, m, core.Update{Optimizer: optimizers["adamw"]}).GradNorm; norm != 0 {
		t.Errorf("gradient norm %v afterwards", norm)
	}
}

// Weight decay alone moves matrices and the embedding, and spares norms.
func TestDecaySparesNorms(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	before := values(m)
	update(t, m, core.Update{LearningRate: 1e-2, Optimizer: optimizers["adamw"]})
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
