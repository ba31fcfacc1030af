package checkpoint

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestResolve(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	if got, err := Resolve(ctx, dir, nil); err != nil || got != dir {
		t.Errorf("a folder: got %q, %v", got, err)
	}
	file := writeTemp(t, "model.bin", nil)
	for _, name := range []string{file, filepath.Join(dir, "nowhere"), "nowhere.gguf", "org/nowhere.gguf", "./org/name", ""} {
		if _, err := Resolve(ctx, name, nil); !hasAll(err, name) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	newFakeHub(t, model(t))
	if got, err := Resolve(ctx, "ORG/NAME", nil); err != nil {
		t.Errorf("from the hub: got %q, %v", got, err)
	}
}

// TestResolveGGUF imports once, and again when the content is another's.
func TestResolveGGUF(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("LocalAppData", cache)
	first, err := Resolve(context.Background(), "testdata/tiny.gguf", nil)
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(first, "mark")
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := Resolve(context.Background(), "testdata/tiny.gguf", nil)
	if err != nil || second != first {
		t.Errorf("got %q, then %q, %v", first, second, err)
	}
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("imported again: %v", err)
	}
	data, err := os.ReadFile("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	other, err := Resolve(context.Background(), writeTemp(t, "tiny.gguf", data), nil)
	if err != nil || other == first {
		t.Errorf("another file's import is %q too, %v", other, err)
	}
}

func TestImport(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(filepath.Join(from, "config.json"), []byte(tinyConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	a := writeTiny(t, from, "float16", 256)
	if err := Import(context.Background(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	checkTiny(t, to, a)
	if err := Import(context.Background(), from, to, nil); !hasAll(err, to, "not empty") {
		t.Errorf("into a full folder: %v", err)
	}
	shard := files(t, from)[1]
	if err := os.Remove(filepath.Join(from, shard)); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(t.TempDir(), "gone")
	if err := Import(context.Background(), from, gone, nil); !hasAll(err, shard) {
		t.Errorf("a shard is missing: %v", err)
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("a failed import left a folder")
	}
}
