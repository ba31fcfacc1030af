// Package embedded is the example that `stepwise demo` runs: a tiny model, two
// preference sources, held-out pairs and a benchmark, all made by generate.
package embedded

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed model data example.toml
var files embed.FS

// Write puts the example into dir.
func Write(dir string) error {
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
}
