package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// TestShapes: the sizes are those that the models' authors give.
func TestShapes(t *testing.T) {
	for name, want := range map[string]int{"smollm2-135m": 134_515_008, "llama-1b": 1_235_814_400, "llama-7b": 6_738_415_616} {
		raw, err := shapes[name].config("bf16")
		if err != nil {
			t.Fatal(err)
		}
		arch, err := checkpoint.ParseArchitecture(raw)
		if err != nil {
			t.Fatal(err)
		}
		if arch.Size() != want {
			t.Errorf("%s has %d parameters, want %d", name, arch.Size(), want)
		}
	}
}

// TestRandomModel: weights are normal with deviation 0.02, norms are 1, no two
// tensors are alike, and the file is as large as its dtype says.
func TestRandomModel(t *testing.T) {
	for dtype, bytes := range map[string]int{"float32": 4, "bf16": 2} {
		dir := t.TempDir()
		s := shape{hidden: 64, layers: 2, heads: 2, kvHeads: 1, ffn: 96, vocabulary: 512, untied: true}
		arch, err := writeRandomModel(t.Context(), dir, s, dtype)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if extra := int(info.Size()) - bytes*arch.Size(); extra < 0 || extra > 1<<14 {
			t.Errorf("%s: a file of %d bytes for %d parameters", dtype, info.Size(), arch.Size())
		}
		w, err := checkpoint.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		first := map[float32]string{}
		for _, p := range arch.Params() {
			values := make([]float32, p.Size())
			if err := w.Float32(p.Name, values); err != nil {
				t.Fatal(err)
			}
			mean, deviation := moments(values)
			n := math.Sqrt(float64(len(values)))
			switch {
			case p.Role == checkpoint.RoleNorm && (mean != 1 || deviation != 0):
				t.Errorf("%s %s: mean %v, deviation %v", dtype, p.Name, mean, deviation)
			case p.Role == checkpoint.RoleNorm:
			case math.Abs(mean) > 5*.02/n || math.Abs(deviation-.02) > 5*.02/n:
				t.Errorf("%s %s: mean %v, deviation %v", dtype, p.Name, mean, deviation)
			case dtype == "float32" && first[values[0]] != "":
				t.Errorf("%s begins as %s", p.Name, first[values[0]])
			default:
				first[values[0]] = p.Name
			}
		}
	}
}

func moments(values []float32) (mean, deviation float64) {
	for _, v := range values {
		mean += float64(v) / float64(len(values))
	}
	for _, v := range values {
		deviation += (float64(v) - mean) * (float64(v) - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}

// TestRandomModelRefused: what the disk does not hold is refused before anything is
// written, and Ctrl-C ends the writing.
func TestRandomModelRefused(t *testing.T) {
	dir := t.TempDir()
	_, err := writeRandomModel(t.Context(), dir, shape{hidden: 1 << 16, layers: 1000, heads: 512, kvHeads: 512, ffn: 1 << 18, vocabulary: 1 << 18}, "bf16")
	if err == nil || !strings.Contains(err.Error(), "TMPDIR") || !strings.Contains(err.Error(), dir) {
		t.Errorf("100 terabytes: error %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = writeRandomModel(cancelled, dir, shapes["1m"], "float32"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*safetensors*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
