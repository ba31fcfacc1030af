package checkpoint_test

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

// TestSharedArchitectures reads the tiny models of golden/arch: both spellings of
// config.json mean the same, the tensors fit, and families that are not supported
// are refused by name.
func TestSharedArchitectures(t *testing.T) {
	root := filepath.Join(testenv.Shared(t), "golden", "arch")
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	supported := 0
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		a, err := checkpoint.ReadArchitecture(dir)
		if err != nil {
			if !strings.Contains(err.Error(), "is not supported (supported: llama, mistral, qwen2, qwen3)") {
				t.Errorf("%s: %v", e.Name(), err)
			}
			continue
		}
		supported++
		legacy, err := os.ReadFile(filepath.Join(dir, "config_legacy_v4.json"))
		if err != nil {
			t.Fatal(err)
		}
		if old, err := checkpoint.ParseArchitecture(legacy); err != nil || !reflect.DeepEqual(old, a) {
			t.Errorf("%s: the legacy spelling gives %+v, %v\nwant %+v", e.Name(), old, err, a)
		}
		checkWeights(t, dir, a)
	}
	if supported != 10 {
		t.Errorf("%d of the models are supported, want 10: Llama 3 + 4, Mistral, Qwen2, Qwen3", supported)
	}
}

func checkWeights(t *testing.T, dir string, a *checkpoint.Architecture) {
	t.Helper()
	w, err := checkpoint.Open(dir)
	if err != nil {
		t.Error(err)
		return
	}
	defer w.Close()
	if err := w.Check(a); err != nil {
		t.Errorf("%s: %v", dir, err)
	}
}

// TestSmolLM2 compares every tensor of the import with the fingerprint that torch
// took of it in another conversion of the same file: 64 values exactly, and the
// sum. TRL's first update has a learning rate of 0, so it moved nothing.
func TestSmolLM2(t *testing.T) {
	dir := testenv.SmolLM2(t)
	a, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Check(a); err != nil {
		t.Error(err)
	}
	var golden struct {
		Fingerprints []map[string]fingerprint `json:"fingerprint_after_each_update"`
	}
	readGz(t, filepath.Join(testenv.Shared(t), "golden", "trl", "smollm2_dpo.json.gz"), &golden)
	prints := golden.Fingerprints[0]
	if len(a.Params()) != len(prints) {
		t.Errorf("%d parameters, want %d", len(a.Params()), len(prints))
	}
	for _, p := range a.Params() {
		values := make([]float32, p.Size())
		if err := w.Float32(p.Name, values); err != nil {
			t.Error(err)
			continue
		}
		prints[p.Name].check(t, p.Name, values)
	}
}

// A fingerprint is what the goldens keep of a tensor.
type fingerprint struct {
	Sum float64
	L2  float64
	Idx []int
	Val []float32
}

func (f fingerprint) check(t *testing.T, name string, values []float32) {
	t.Helper()
	sum, squares := 0.0, 0.0
	for _, v := range values {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	if math.Abs(sum-f.Sum) > 1e-9*float64(len(values)) || math.Abs(math.Sqrt(squares)-f.L2) > 1e-9*f.L2 {
		t.Errorf("%s: got sum %g and norm %g, want %g and %g", name, sum, math.Sqrt(squares), f.Sum, f.L2)
	}
	for i, at := range f.Idx {
		if values[at] != f.Val[i] {
			t.Errorf("%s[%d]: got %g, want %g", name, at, values[at], f.Val[i])
			return
		}
	}
}

// TestSmolLM2Tokenizer demands Hugging Face's ids from the tokenizer.json that was
// rebuilt from the GGUF's metadata.
func TestSmolLM2Tokenizer(t *testing.T) {
	tok, err := tokenizer.Load(testenv.SmolLM2(t))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(testenv.Shared(t), "golden", "smollm2", "tokenizer.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	gz, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for d := json.NewDecoder(gz); d.More(); count++ {
		var g struct {
			Text string
			IDs  []int32
		}
		if err := d.Decode(&g); err != nil {
			t.Fatal(err)
		}
		if got := tok.Encode(g.Text, false); !slices.Equal(got, g.IDs) {
			t.Errorf("%q:\n got %v\nwant %v", g.Text, got, g.IDs)
		}
	}
	if count == 0 {
		t.Error("no golden texts")
	}
}

// readGz decodes a .json.gz.
func readGz(t *testing.T, path string, v any) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	gz, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(gz).Decode(v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
