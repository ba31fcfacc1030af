// Package testenv finds what tests need and the repository does not hold: the
// folder of shared data (real preference data, benchmarks and golden numbers of
// the reference programs) and SmolLM2-135M-Instruct. A test that needs one of
// them is skipped, by the name of what is missing, where it is absent.
package testenv

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// Shared returns the folder of shared data, the one that holds golden/, pref/
// and bench/: $STEPWISE_SHARED (it may name that folder or the one above it),
// else shared/data beside the checkout. It skips the test if there is none.
func Shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("STEPWISE_SHARED")
	if dir == "" {
		dir = filepath.Join(filepath.Dir(Root(t)), "shared")
	}
	for _, d := range []string{dir, filepath.Join(dir, "data")} {
		if isDir(filepath.Join(d, "golden")) {
			return d
		}
	}
	t.Skipf("shared data: no %q (set STEPWISE_SHARED to the folder)", filepath.Join(dir, "data", "golden"))
	return ""
}

// SmolLM2 returns the folder of SmolLM2-135M-Instruct in Hugging Face's layout:
// $STEPWISE_SMOLLM2, which may also name a GGUF file, else models/smollm2 of the
// checkout, where examples/smollm2/fetch.sh puts it, else the user's cache. It
// skips the test if there is none.
func SmolLM2(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("STEPWISE_SMOLLM2")
	if dir == "" {
		dir = filepath.Join(Root(t), "models", "smollm2")
		if !isDir(dir) {
			dir = cached(t, "smollm2")
		}
	}
	if isFile(dir) {
		imported, err := checkpoint.Resolve(context.Background(), dir, nil)
		if err != nil {
			t.Fatalf("smollm2: %v", err)
		}
		return imported
	}
	if !isFile(filepath.Join(dir, "config.json")) {
		t.Skipf("smollm2: no model in %q (run examples/smollm2/fetch.sh, or set STEPWISE_SMOLLM2)", dir)
	}
	return dir
}

// Root returns the folder of go.mod above the working directory, which in a test
// is the folder of its package.
func Root(t testing.TB) string {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if isFile(filepath.Join(dir, "go.mod")) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatalf("no go.mod in %q or above", wd)
		}
	}
}

// cached returns the place of name in stepwise's part of the user's cache.
func cached(t testing.TB, name string) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("%s: no cache folder: %v", name, err)
	}
	return filepath.Join(base, "stepwise", name)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
