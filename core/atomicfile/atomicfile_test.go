package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestWrite: the new content replaces the old, as readable as any file; where
// writing fails the old one stays; and nothing is left beside them.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "name")
	put := func(text string, fail error) error {
		return Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fail)
		})
	}
	full := errors.New("the disk is full")
	for _, c := range []struct {
		text string
		fail error
		want string
	}{{"old", nil, "old"}, {"new", nil, "new"}, {"half", full, "new"}} {
		if err := put(c.text, c.fail); !errors.Is(err, c.fail) {
			t.Errorf("%s: %v, want %v", c.text, err, c.fail)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("after %s: %q, %v", c.text, got, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o444 != 0o444 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := Write(filepath.Join(path, "below"), nil); err == nil {
		t.Error("a file below a file")
	}
}
