package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stepwise-dpo/stepwise/core/config"
)

// TestOneDate: a template that prints the date prints that on which the run began,
// to pairs and to evaluations, also when it is resumed on another day.
func TestOneDate(t *testing.T) {
	path, dir := example(t), t.TempDir()
	template := filepath.Join(filepath.Dir(path), "model", "chat_template.jinja")
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(template, append([]byte("{{ strftime_now('%d %b %Y') }}"), text...), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := (&app{out: io.Discard, err: io.Discard}).build(context.Background(), cfg, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if p := b.Sources[0].Pairs[0].Prompt; !strings.HasPrefix(p, "03 Feb 2001") {
		t.Errorf("a prompt is %q", p)
	}
	// As if the run had been killed before it did anything.
	m, err := b.manifest()
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := cfg.TOML()
	if err != nil {
		t.Fatal(err)
	}
	f, unlock, err := openFolder(filepath.Join(dir, "example"), resolved, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.WriteJSON("manifest.json", m), unlock()); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "run", path, "--dir", dir, "--resume")
	found, err := filepath.Glob(f.Path("eval", "S", "samples_*.jsonl"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	samples, err := os.ReadFile(found[0])
	if err != nil || !bytes.Contains(samples, []byte("03 Feb 2001<|im_start|>")) {
		t.Errorf("%v; no date in %.300s", err, samples)
	}
}
