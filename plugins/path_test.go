package plugins

import (
	"path/filepath"
	"testing"
)

func TestAbsolute(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for path, want := range map[string]string{"": "", "a/../b": filepath.Join(dir, "b"), dir: dir} {
		if got, err := absolute(path); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", path, got, err, want)
		}
	}
}
