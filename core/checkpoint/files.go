package checkpoint

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/core/atomicfile"
)

// writeJSON writes a value as transformers does: keys in order, two spaces.
func writeJSON(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

func writeText(path, text string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	return atomicfile.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, src)
		return err
	})
}

// buildDir makes dir by filling a folder beside it and renaming that, so that it
// appears whole or not at all. dir must not exist, or be empty, which is else an
// InputError.
func buildDir(dir string, fill func(tmp string) error) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return inputf("%q exists and is not empty: remove it or name another folder", dir)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return &InputError{err}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".*.partial")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(tmp, 0o755), atomicfile.SyncDir(tmp)); err != nil {
		return err
	}
	// An empty folder in the way is replaced by rename on unix only.
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return atomicfile.Rename(tmp, dir)
}
