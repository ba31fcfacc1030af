package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/config"
)

// TestTorchEndsByItself: an interpreter that ends unasked is an error that says how,
// whatever its exit status.
func TestTorchEndsByItself(t *testing.T) {
	for status, want := range map[string]string{"0": "exit status 0; it printed last: gone", "3": "exit status 3; it printed last: gone"} {
		python := filepath.Join(t.TempDir(), "python")
		if err := os.WriteFile(python, []byte("#!/bin/sh\necho gone >&2\nexit "+status+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		p := newTorch(python, t.TempDir(), config.Backend{}, nil)
		if err := p.prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "ended without an answer") {
			t.Errorf("prepare: %v", err)
		}
		if err := p.close(); err == nil || err.Error() != want {
			t.Errorf("close: %v, want %q", err, want)
		}
	}
}
