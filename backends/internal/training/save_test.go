package training

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

var params = []checkpoint.Param{
	{Name: "a.weight", Role: checkpoint.RoleMatrix, Shape: []int{2, 2}},
	{Name: "b.weight", Role: checkpoint.RoleNorm, Shape: []int{3}},
}

// values are of each tensor others, and bfloat16 rounds them.
func values(t Tensor) ([]float32, error) {
	x := make([]float32, t.Size())
	for i := range x {
		x[i] = 1.001 + float32(100*t.Weight+10*(t.Moment+1)+i)
	}
	return x, nil
}

// What was saved is read as it was, whatever the model's weights were rounded to,
// and holds the weights only where they were.
func TestSaveAndRestore(t *testing.T) {
	for _, c := range []struct {
		state        State
		dtype, kept  string
		weights      bool
		tensorsOfOne int
	}{
		{State{}, "float32", "float32", false, 0},
		{State{}, "bf16", "float32", true, 1},
		{State{"adamw", 3}, "float32", "float32", false, 2},
		{State{"adamw", 3}, "float16", "bf16", true, 3},
		{State{"rmsprop", 1}, "bf16", "bf16", false, 1},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			dir := t.TempDir()
			m := Model{Params: params, State: &c.state, Kept: c.kept, Values: values}
			if err := Save(t.Context(), dir, core.SaveOptions{DType: c.dtype, State: true}, m); err != nil {
				t.Fatal(err)
			}
			s, err := Open(core.OpenOptions{Train: true, State: dir})
			if err != nil {
				t.Fatal(err)
			}
			if s.State != c.state || s.Weights != c.weights {
				t.Errorf("state %+v, weights %v", s.State, s.Weights)
			}
			read := 0
			err = s.Restore(params, func(tensor Tensor, from *checkpoint.Weights) error {
				read++
				got := make([]float32, tensor.Size())
				want, _ := values(tensor)
				if err := from.Float32(tensor.Name, got); err != nil || !slices.Equal(got, want) {
					t.Errorf("%q is %v, want %v", tensor.Name, got, want)
				}
				return err
			})
			if err != nil || read != c.tensorsOfOne*len(params) {
				t.Errorf("%d tensors, error %v", read, err)
			}
		})
	}
}

// The format is on disk: these names and this text are what earlier versions wrote.
func TestFormat(t *testing.T) {
	dir := t.TempDir()
	m := Model{Params: params[:1], State: &State{"adamw", 7}, Kept: "float32", Values: values}
	if err := Save(t.Context(), dir, core.SaveOptions{DType: "bf16", State: true}, m); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "optimizer", "optimizer.json"))
	if want := `{"name":"adamw","steps":7,"weights":true}`; err != nil || string(text) != want {
		t.Errorf("optimizer.json is %s, error %v; want %s", text, err, want)
	}
	w, err := checkpoint.Open(filepath.Join(dir, "optimizer", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	names := w.Names()
	slices.Sort(names)
	if want := []string{"exp_avg.a.weight", "exp_avg_sq.a.weight", "weight.a.weight"}; !reflect.DeepEqual(names, want) {
		t.Errorf("tensors %q, want %q", names, want)
	}
}

func TestSaveRefuses(t *testing.T) {
	for want, o := range map[string]core.SaveOptions{
		`dtype "int8" is not known`: {DType: "int8"},
		"no optimizer state":        {DType: "float32", State: true},
	} {
		err := Save(t.Context(), t.TempDir(), o, Model{Params: params, Values: values})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if s, err := Open(core.OpenOptions{}); s != nil || err != nil {
		t.Errorf("state %+v, error %v where none is asked for", s, err)
	}
	if _, err := Open(core.OpenOptions{State: dir}); err == nil || !strings.Contains(err.Error(), "scoring") {
		t.Errorf("error %v of state for scoring", err)
	}
	if _, err := Open(core.OpenOptions{Train: true, State: dir}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v of a folder without state", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, stateFolder), 0o777); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"name":"adam`:               "unexpected end",
		`{"name":"sgd","steps":1}`:    `optimizer "sgd" after 1 steps is not known`,
		`{"name":"adamw","steps":-1}`: `optimizer "adamw" after -1 steps is not known`,
		`{"name":"adamw","steps":1}`:  "safetensors",
	} {
		if err := os.WriteFile(filepath.Join(dir, stateFolder, stateFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := Open(core.OpenOptions{Train: true, State: dir})
		if err == nil {
			err = s.Restore(params, func(Tensor, *checkpoint.Weights) error { return nil })
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("state %s: error %v, want %q", text, err, want)
		}
	}
}
