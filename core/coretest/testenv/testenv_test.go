package testenv_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// TestShared checks that $STEPWISE_SHARED may name the data or the folder above it.
func TestShared(t *testing.T) {
	above := t.TempDir()
	data := filepath.Join(above, "data")
	if err := os.MkdirAll(filepath.Join(data, "golden"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{above, data} {
		t.Setenv("STEPWISE_SHARED", dir)
		if got := testenv.Shared(t); got != data {
			t.Errorf("STEPWISE_SHARED=%q: got %q, want %q", dir, got, data)
		}
	}
}

// TestSkips checks that what is absent skips the test instead of failing it.
func TestSkips(t *testing.T) {
	t.Setenv("STEPWISE_SHARED", t.TempDir())
	t.Setenv("STEPWISE_SMOLLM2", t.TempDir())
	for name, find := range map[string]func(testing.TB) string{"shared": testenv.Shared, "smollm2": testenv.SmolLM2} {
		skipped := false
		t.Run(name, func(t *testing.T) {
			defer func() { skipped = t.Skipped() }()
			find(t)
		})
		if !skipped {
			t.Errorf("%s: absent, and the test was not skipped", name)
		}
	}
}
