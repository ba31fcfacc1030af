package checkpoint

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// tinyConfig is a model of a few hundred parameters.
const tinyConfig = `{"model_type": "llama", "vocab_size": 6, "hidden_size": 4, "intermediate_size": 8,
	"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 16,
	"torch_dtype": "float16", "rope_theta": 50000.0, "tie_word_embeddings": false}`

func tinyArchitecture(t *testing.T) *Architecture {
	t.Helper()
	a, err := ParseArchitecture([]byte(tinyConfig))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// values are different for every parameter and element, and exact in float16.
func values(i int, p Param) []float32 {
	v := make([]float32, p.Size())
	for j := range v {
		v[j] = float32(i) + float32(j)/64
	}
	return v
}

// writeTiny writes the tiny model in shards of the given size.
func writeTiny(t *testing.T, dir, dtype string, shardSize int64) *Architecture {
	t.Helper()
	a := tinyArchitecture(t)
	w, err := NewWriter(dir, dtype, a.Params(), shardSize)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for i, p := range a.Params() {
		if err := w.Write(p.Name, values(i, p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return a
}

// checkTiny reads the tiny model back.
func checkTiny(t *testing.T, dir string, a *Architecture) {
	t.Helper()
	w, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Check(a); err != nil {
		t.Error(err)
	}
	for i, p := range a.Params() {
		got := make([]float32, p.Size())
		if err := w.Float32(p.Name, got); err != nil || !slices.Equal(got, values(i, p)) {
			t.Errorf("%s: got %v, %v", p.Name, got, err)
		}
	}
}

// files returns the names in a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	a := writeTiny(t, dir, "float32", 0)
	w, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for name, c := range map[string]struct {
		change func(a *Architecture)
		want   []string
	}{
		"missing":    {func(a *Architecture) { a.Blocks = append(a.Blocks, a.block(2, traits{})) }, []string{`"model.layers.2.input_layernorm.weight" is missing`}},
		"unexpected": {func(a *Architecture) { a.Blocks = a.Blocks[:1] }, []string{`"model.layers.1.input_layernorm.weight" is not part of the architecture`}},
		"vocabulary": {func(a *Architecture) { a.Embedding.Shape = []int{7, 4} }, []string{`"model.embed_tokens.weight" has shape [6 4], config.json gives [7 4]`}},
		"tied":       {func(a *Architecture) { a.TiedHead = true }, []string{`"lm_head.weight" differs from "model.embed_tokens.weight"`}},
	} {
		changed := *a
		changed.Blocks = slices.Clone(a.Blocks)
		c.change(&changed)
		if err := w.Check(&changed); !hasAll(err, c.want...) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestCheckDType refuses weights that are stored as integers.
func TestCheckDType(t *testing.T) {
	w, err := Open(writeTemp(t, "x.safetensors", file(`{"embedding":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},
		"norm":{"dtype":"I8","shape":[2],"data_offsets":[2,4]}}`, 4)))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	a := &Architecture{Embedding: Param{"embedding", RoleEmbedding, []int{2}}, FinalNorm: Param{"norm", RoleNorm, []int{2}}, TiedHead: true}
	if err := w.Check(a); !hasAll(err, `"embedding": dtype F8_E4M3 is not supported`, `"norm": dtype I8 is not supported`) {
		t.Errorf("got %v", err)
	}
}

// TestCheckTolerates accepts what transformers ignores: buffers of old
// checkpoints, and a tied head's copy.
func TestCheckTolerates(t *testing.T) {
	dir := t.TempDir()
	a := tinyArchitecture(t)
	a.TiedHead = true
	params := append(a.Params(), a.Head, Param{"model.layers.0.self_attn.rotary_emb.inv_freq", RoleMatrix, []int{1}})
	w, err := NewWriter(dir, "float32", params, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, p := range params {
		if err := w.Write(p.Name, values(0, p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	read, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if err := read.Check(a); err != nil {
		t.Error(err)
	}
}

func TestIndexErrors(t *testing.T) {
	for name, c := range map[string]struct {
		index string
		want  string
	}{
		"broken":     {`{`, "unexpected end"},
		"empty":      {`{"weight_map": {}}`, "weight_map is empty or missing"},
		"outside":    {`{"weight_map": {"a": "../model.safetensors"}}`, "which is not a file's name"},
		"absolute":   {`{"weight_map": {"a": "/etc/passwd"}}`, "which is not a file's name"},
		"no shard":   {`{"weight_map": {"a": "s1.safetensors", "b": "s3.safetensors"}}`, "no such file"},
		"not there":  {`{"weight_map": {"a": "s1.safetensors", "c": "s1.safetensors"}}`, `"c" is not in "s1.safetensors"`},
		"unlisted":   {`{"weight_map": {"b": "s2.safetensors", "x": "s1.safetensors"}}`, `"a" is in a shard, but not in weight_map`},
		"duplicated": {`{"weight_map": {"a": "s1.safetensors", "b": "s4.safetensors"}}`, `"a" is also in another shard`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, data := range map[string][]byte{
				indexFile:        []byte(c.index),
				"s1.safetensors": file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8),
				"s2.safetensors": file(`{"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8),
				"s4.safetensors": file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8),
			} {
				if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			w, err := Open(dir)
			if err == nil {
				w.Close()
			}
			if !hasAll(err, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNoWeights(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !hasAll(err, dir, "neither model.safetensors nor") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pytorch_model.bin"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !hasAll(err, "pickled pytorch_model.bin", "convert") {
		t.Errorf("a pickled model: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "nowhere")); !hasAll(err, "nowhere") {
		t.Errorf("no folder: %v", err)
	}
}
