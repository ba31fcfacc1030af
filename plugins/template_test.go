//go:build unix

package plugins

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// goRun runs the go command in dir, without the network.
func goRun(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// What the template writes builds, passes its tests, and is a stranger's plugin
// that conforms through its process.
func TestTemplate(t *testing.T) {
	if testing.Short() {
		t.Skip("builds three modules")
	}
	m := testManager()
	m.Dir = t.TempDir()
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a folder")
			if err := WriteTemplate(kind, "mine", dir, ""); err != nil {
				t.Fatal(err)
			}
			goRun(t, dir, "vet", "./...")
			goRun(t, dir, "test", "./...")
			goRun(t, dir, "build", "-o", filepath.Join(m.Dir, filePrefix+key(kind, "mine")))
		})
	}
	t.Run("through the wire", func(t *testing.T) {
		p, err := m.OpenPartitioner(t.Context(), "mine", core.Options{"sign": -1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		coretest.TestPartitioner(t, p)
		e, err := m.OpenEvaluator(t.Context(), "mine", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		coretest.TestEvaluator(t, e)
		b, err := m.OpenBackend(t.Context(), "mine")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if err := b.Check(t.Context(), core.OpenOptions{DType: "float32", Options: core.Options{"loud": 1}}); err == nil {
			t.Error("an unknown option was accepted")
		}
	})
}

// A stranger's partitioner is short.
func TestStrangersPartitionerIsShort(t *testing.T) {
	raw, err := templates.ReadFile("template/partitioner/main.go.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(raw), "\n"); lines >= 40 {
		t.Errorf("%d lines", lines)
	}
}

func TestTemplateRefusals(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "precious"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wantText(t, WriteTemplate(KindPartitioner, "mine", full, ""), "is not empty")
	wantText(t, WriteTemplate(KindPartitioner, "../mine", t.TempDir(), ""), "is no name")
	wantText(t, WriteTemplate("thing", "mine", t.TempDir(), ""), "unknown kind")
	wantText(t, WriteTemplate(KindPartitioner, "mine", t.TempDir(), full), "is no checkout", "--sdk")
}
