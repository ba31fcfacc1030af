package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// TestRunFolder: a run that was killed before its configuration was in place is
// started anew, and one that another process runs is left alone.
func TestRunFolder(t *testing.T) {
	config, dir := example(t), t.TempDir()
	args := []string{"run", config, "--dir", dir, "--name", "one", "--set", "train.num_train_epochs=0.2"}
	folder := filepath.Join(dir, "one")
	for _, path := range []string{folder, filepath.Join(folder, ".stepwise-new-config.toml-1")} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(want string) {
		t.Helper()
		if _, errs, code := runCommandLine(t, "", append(args, "--resume")...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("--resume: exit %d, %s; want %q", code, errs, want)
		}
	}
	refused("start the run without --resume")
	mustRun(t, args...)
	f, err := record.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := f.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := f.Lock(); err == nil {
		second()
		t.Skip("no locks here")
	}
	refused("another process is running it")
	unlock()
	mustRun(t, append(args, "--resume")...)
}

// TestCheckUnchanged: what a resumed run is made from must be what it began with.
func TestCheckUnchanged(t *testing.T) {
	made := func() record.Manifest {
		return record.Manifest{
			Model: record.Hashed{Path: "m", SHA256: "1"}, Reference: &record.Hashed{Path: "r", SHA256: "2"},
			Sources: map[string]record.Hashed{"orca": {Path: "o", SHA256: "3"}},
			Plugins: map[string]record.PluginUsed{
				"backend-gorgonia": {Hashed: record.Hashed{Path: "self", SHA256: "4"}, BuiltIn: true},
				"partitioner-mine": {Hashed: record.Hashed{Path: "p", SHA256: "5"}},
			},
		}
	}
	for _, c := range []struct {
		name   string
		change func(m *record.Manifest)
		want   string // in the error; empty = none
		notes  int
	}{
		{"nothing", func(*record.Manifest) {}, "", 0},
		{"the model", func(m *record.Manifest) { m.Model.SHA256 = "x" }, `model "m" is not`, 0},
		{"the reference", func(m *record.Manifest) { m.Reference.SHA256 = "x" }, `reference model "r" is not`, 0},
		{"a source", func(m *record.Manifest) { m.Sources["orca"] = record.Hashed{SHA256: "x"} }, `source "orca"`, 0},
		{"a stranger's plugin", func(m *record.Manifest) { m.Plugins["partitioner-mine"] = record.PluginUsed{} }, `plugin "partitioner-mine"`, 0},
		{"a plugin that was built in", func(m *record.Manifest) { m.Plugins["backend-gorgonia"] = record.PluginUsed{} }, `plugin "backend-gorgonia"`, 0},
		{"the program", func(m *record.Manifest) { m.Plugins["backend-gorgonia"] = record.PluginUsed{BuiltIn: true} }, "", 1},
	} {
		now, notes := made(), 0
		c.change(&now)
		err := checkUnchanged(made(), now, func(string) { notes++ })
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || notes != c.notes {
			t.Errorf("%s: %v and %d notes, want %q and %d", c.name, err, notes, c.want, c.notes)
		}
	}
}
