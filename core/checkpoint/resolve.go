package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/filehash"
)

// Progress is told how many of a file's bytes have been downloaded.
type Progress func(file string, done, total int64)

// Resolve returns the Hugging Face folder of a model: name itself if it is a
// folder; for a .gguf file its import in the user's cache, made the first time
// (the file's SHA-256 is the key); for ORG/NAME or ORG/NAME@REVISION the snapshot
// in the hub's cache, downloaded as far as it is not there, by huggingface_hub's
// variables HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE.
// progress may be nil. Where name is at fault the error is an InputError.
func Resolve(ctx context.Context, name string, progress Progress) (dir string, err error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return name, nil
	case err == nil && isGGUF(name):
		return importOnce(ctx, name)
	case err == nil:
		return "", inputf("model %q is neither a folder nor a .gguf file", name)
	case !errors.Is(err, fs.ErrNotExist) || isGGUF(name) || !hubName.MatchString(name):
		return "", inputf("model: %w", err)
	}
	h, err := newHub(progress)
	if err != nil {
		return "", err
	}
	return h.model(ctx, name)
}

func isGGUF(name string) bool { return strings.EqualFold(filepath.Ext(name), ".gguf") }

// importVersion is part of the place of imports; it rises when importGGUF gives
// other files.
const importVersion = "gguf-1"

func importOnce(ctx context.Context, path string) (string, error) {
	sum, err := filehash.SHA256(path)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("import %q: no cache folder: %w", path, err)
	}
	dir := filepath.Join(cache, "stepwise", importVersion, sum)
	imported := func() bool {
		_, err := os.Stat(filepath.Join(dir, "config.json"))
		return err == nil
	}
	if imported() {
		return dir, nil
	}
	if err := importGGUF(ctx, path, dir); err != nil && !imported() { // another process may have been faster
		return "", err
	}
	return dir, nil
}

// Import makes dir a Hugging Face folder of its own from what Resolve finds under
// the name: a GGUF file is converted, a folder's files are copied after its
// weights were checked against its config.json. dir must not exist, or be empty.
// Where name or dir is at fault the error is an InputError.
func Import(ctx context.Context, name, dir string, progress Progress) error {
	if info, err := os.Stat(name); err == nil && !info.IsDir() && isGGUF(name) {
		return importGGUF(ctx, name, dir)
	}
	from, err := Resolve(ctx, name, progress)
	if err != nil {
		return err
	}
	a, err := inspect(from)
	if err != nil {
		return &InputError{err}
	}
	return buildDir(dir, func(tmp string) error { return copyModel(ctx, from, tmp, a.DType) })
}

// inspect reads the architecture of a model and checks that its weights fit.
func inspect(dir string) (*Architecture, error) {
	a, err := ReadArchitecture(dir)
	if err != nil {
		return nil, err
	}
	w, err := Open(dir)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := w.Check(a); err != nil {
		return nil, fmt.Errorf("model %q: %w", dir, err)
	}
	return a, nil
}

func copyModel(ctx context.Context, from, to, dtype string) error {
	if err := CarryOver(from, to, dtype); err != nil {
		return err
	}
	files, index, err := weightFiles(from)
	if err != nil {
		return err
	}
	if index != nil {
		files = append(files, filepath.Join(from, indexFile))
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := copyFile(file, filepath.Join(to, filepath.Base(file))); err != nil {
			return err
		}
	}
	return nil
}
