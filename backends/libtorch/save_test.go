//go:build libtorch

package libtorch

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// saved saves the tiny model m and makes its folder complete.
func saved(t *testing.T, m *Model, o core.SaveOptions) string {
	t.Helper()
	dir := t.TempDir()
	if err := m.Save(background, dir, o); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.CarryOver(tiny, dir, o.DType); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Training that was saved and opened goes on as if it had not been, bit for bit,
// also from weights that were rounded for others to read.
func TestResume(t *testing.T) {
	for name, o := range backendtest.Optimizers {
		for _, c := range []struct {
			dtype, savedAs string
			master         bool
		}{{settings.Float32, "float32", true}, {settings.Float32, "bf16", true}, {settings.BF16, "bf16", true}, {settings.BF16, "bf16", false}} {
			t.Run(fmt.Sprintf("%s %s saved as %s, master weights %v", name, c.dtype, c.savedAs, c.master), func(t *testing.T) {
				step := func(m *Model, seed uint64) {
					accumulate(t, m, backendtest.RandomItems(seed, 4, 95), backendtest.DPOWeights)
					update(t, m, core.Update{LearningRate: 1e-2, MaxGradNorm: 1, Optimizer: o})
				}
				options := core.Options{"master_weights": c.master, "deterministic": device != "cpu"}
				m := open(t, tiny, core.OpenOptions{DType: c.dtype, Train: true, Options: options})
				step(m, 1)
				step(m, 2)
				dir := saved(t, m, core.SaveOptions{DType: c.savedAs, State: true})
				again := open(t, dir, core.OpenOptions{DType: c.dtype, Train: true, State: dir, Options: options})
				step(m, 3)
				step(again, 3)
				if !reflect.DeepEqual(contents(t, m), contents(t, again)) {
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
	if !reflect.DeepEqual(contents(t, m), contents(t, again)) || again.optimizer != (training.State{}) {
		t.Errorf("opened with other weights or optimizer %+v", again.optimizer)
	}
}

func TestStateRefused(t *testing.T) {
	open := func(dir string, train bool) error {
		_, err := Backend{}.Open(background, tiny, core.OpenOptions{
			DType: settings.Float32, Train: train, State: dir, Options: core.Options{"device": device},
		})
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

// Threads of the processor that finish in another order change no bit.
func TestTrainingRepeats(t *testing.T) {
	if device != "cpu" {
		t.Skip("sums on a GPU depend on timing")
	}
	var first map[string][]float32
	for n := range 20 {
		m := open(t, tiny, core.OpenOptions{DType: settings.Float32, Train: true, Options: core.Options{"threads": 2}})
		for seed := range uint64(3) {
			accumulate(t, m, backendtest.RandomItems(seed, 4, 95), backendtest.DPOWeights)
			update(t, m, core.Update{LearningRate: 1e-2, MaxGradNorm: 1, Optimizer: backendtest.Optimizers["adamw"]})
		}
		if got := contents(t, m); first == nil {
			first = got
		} else if !reflect.DeepEqual(first, got) {
			t.Fatalf("training %d gave other bits", n)
		}
	}
}
