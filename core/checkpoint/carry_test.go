package checkpoint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// TestCarryOver checks what comes along, what stays, and the dtype.
func TestCarryOver(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "new")
	along := []string{"tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json", "LICENSE.txt", "additional_chat_templates/tools.jinja"}
	for _, name := range append(along, "README.md", "model.safetensors", "training_args.bin") {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(from, "config.json"), []byte(tinyConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := CarryOver(from, to, "bf16"); err != nil {
		t.Fatal(err)
	}
	for _, name := range along {
		if data, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(data) != "of "+name {
			t.Errorf("%s: got %q, %v", name, data, err)
		}
	}
	want := []string{"LICENSE.txt", "additional_chat_templates", "chat_template.jinja", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"}
	if got := files(t, to); !slices.Equal(got, want) {
		t.Errorf("got files %v, want %v", got, want)
	}
	a, err := ReadArchitecture(to)
	if err != nil {
		t.Fatal(err)
	}
	old := tinyArchitecture(t)
	old.DType = "bfloat16"
	if !reflect.DeepEqual(a, old) {
		t.Errorf("got %+v\nwant %+v", a, old)
	}
}

// TestBothSpellings checks that either half of the new config.json describes the
// rotary embedding of the old, for every configuration of rope.json.
func TestBothSpellings(t *testing.T) {
	type golden struct{ Config json.RawMessage }
	for _, g := range readGolden[[]golden](t, "rope.json") {
		want, err := ParseArchitecture(g.Config)
		if err != nil {
			t.Fatal(err)
		}
		both, err := bothSpellings(g.Config, "float32")
		if err != nil {
			t.Fatal(err)
		}
		for version, without := range map[string][]string{
			"both": nil, "transformers 5": {"rope_theta", "rope_scaling", "torch_dtype"}, "transformers 4": {"rope_parameters", "dtype"},
		} {
			half := map[string]json.RawMessage{}
			for key, value := range both {
				if !slices.Contains(without, key) {
					half[key] = value
				}
			}
			data, err := json.Marshal(half)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := ParseArchitecture(data); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %s: %v\n got %+v\nwant %+v", version, g.Config, err, got, want)
			}
		}
	}
}

func TestCarryOverErrors(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	if err := CarryOver(from, to, "float32"); !hasAll(err, from, "config.json") {
		t.Errorf("no config.json: %v", err)
	}
	for _, config := range []string{`[]`, `null`, `{"rope_scaling": 3}`, `{"rope_parameters": "x"}`} {
		if err := os.WriteFile(filepath.Join(from, "config.json"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := CarryOver(from, to, "float32"); !hasAll(err, "config.json") {
			t.Errorf("%s: %v", config, err)
		}
	}
	if err := CarryOver(from, to, "int4"); !hasAll(err, `"int4"`) {
		t.Errorf("dtype: %v", err)
	}
	if got := files(t, to); len(got) != 0 {
		t.Errorf("files left behind: %v", got)
	}
}
