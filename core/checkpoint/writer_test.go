package checkpoint

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestWriter(t *testing.T) {
	dir := t.TempDir()
	a := writeTiny(t, dir, "float32", 0)
	checkTiny(t, dir, a)
	if got := files(t, dir); !slices.Equal(got, []string{singleFile}) {
		t.Errorf("got files %v", got)
	}
}

// TestWriterShards checks that shards stay below their size, carry the names that
// transformers gives them, and replace the single file that was there.
func TestWriterShards(t *testing.T) {
	for _, dtype := range []string{"float64", "float32", "bf16", "bfloat16", "float16"} {
		dir := t.TempDir()
		writeTiny(t, dir, "float32", 0)
		const limit = 256
		a := writeTiny(t, dir, dtype, limit)
		names := files(t, dir)
		if slices.Contains(names, singleFile) || !slices.Contains(names, indexFile) || len(names) < 3 {
			t.Errorf("%s: got files %v", dtype, names)
		}
		if dtype == "bf16" || dtype == "bfloat16" { // the values need more bits
			continue
		}
		checkTiny(t, dir, a)
		for _, name := range names[:len(names)-1] {
			if ok, _ := filepath.Match("model-000??-of-000??.safetensors", name); !ok {
				t.Errorf("%s: a file %q", dtype, name)
			}
			m, err := openMapping(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			h, err := readHeader(m)
			if err != nil {
				t.Fatal(err)
			}
			if size := m.size() - h.start; size > limit && len(h.tensors) > 1 || h.start%8 != 0 {
				t.Errorf("%s: %q holds %d bytes from %d on", dtype, name, size, h.start)
			}
			m.close()
		}
		writeTiny(t, dir, "float32", 0)
		if got := files(t, dir); !slices.Equal(got, []string{singleFile}) {
			t.Errorf("%s: the shards outlived the single file: %v", dtype, got)
		}
	}
}

func TestWriterErrors(t *testing.T) {
	a := tinyArchitecture(t)
	if _, err := NewWriter(t.TempDir(), "int8", a.Params(), 0); !hasAll(err, `"int8"`) {
		t.Errorf("dtype: %v", err)
	}
	if _, err := NewWriter(t.TempDir(), "float32", append(a.Params(), a.Embedding), 0); !hasAll(err, "embed_tokens", "twice") {
		t.Errorf("duplicate: %v", err)
	}
	if _, err := NewWriter(t.TempDir(), "float32", nil, 0); err == nil {
		t.Error("no parameters, and no error")
	}
	dir := t.TempDir()
	w, err := NewWriter(dir, "float16", a.Params(), 0)
	if err != nil {
		t.Fatal(err)
	}
	norm := a.FinalNorm.Name
	for _, c := range []struct {
		name   string
		values []float32
		want   []string
	}{
		{"nobody", nil, []string{`"nobody"`, "not among"}},
		{norm, make([]float32, 3), []string{"3 values for shape [4]"}},
		{norm, []float32{1, 2, 3, 70000}, []string{norm, "70000 does not fit float16"}},
		{norm, make([]float32, 4), nil},
		{norm, make([]float32, 4), []string{"already written"}},
	} {
		err := w.Write(c.name, c.values)
		if c.want == nil && err != nil || c.want != nil && !hasAll(err, c.want...) {
			t.Errorf("%s %v: got %v, want %q", c.name, c.values, err, c.want)
		}
	}
	if err := w.Commit(); !hasAll(err, `"model.embed_tokens.weight" was not written`) {
		t.Errorf("commit: %v", err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("files left behind: %v", got)
	}
}

// TestWriterKeepsOld checks that a failed or abandoned write leaves the weights
// that were there.
func TestWriterKeepsOld(t *testing.T) {
	dir := t.TempDir()
	a := writeTiny(t, dir, "float32", 0)
	w, err := NewWriter(dir, "float32", a.Params(), 256)
	if err != nil {
		t.Fatal(err)
	}
	w.Abort()
	checkTiny(t, dir, a)
	if got := files(t, dir); !slices.Equal(got, []string{singleFile}) {
		t.Errorf("got files %v", got)
	}
}

// TestWriterReadOnly names the folder that cannot be written.
func TestWriterReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewWriter(path, "float32", tinyArchitecture(t).Params(), 0); !hasAll(err, path) {
		t.Errorf("got %v", err)
	}
}
