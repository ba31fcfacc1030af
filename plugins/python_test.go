//go:build unix

package plugins

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// pythonWithGRPC returns a Python that has python/requirements.txt, from an
// environment in the user's cache, made at the first call; else it skips.
func pythonWithGRPC(t *testing.T) string {
	t.Helper()
	requirements, err := os.ReadFile("python/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("python3 with grpcio: %v", err)
	}
	venv := filepath.Join(cache, "stepwise", fmt.Sprintf("python-%x", sha256.Sum256(requirements))[:20])
	python := filepath.Join(venv, "bin", "python")
	works := func() bool { return exec.Command(python, "-c", "import grpc, google.protobuf").Run() == nil }
	if works() {
		return python
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", venv},
		{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "python/requirements.txt"},
	} {
		if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Skipf("python3 with grpcio: %q: %v\n%s", command, err, out)
		}
	}
	if !works() {
		t.Skipf("python3 with grpcio: %q does not import it", python)
	}
	return python
}

func TestPythonHostEndsBeforeStart(t *testing.T) {
	if testing.Short() {
		t.Skip("python3 with grpcio: not in short mode")
	}
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	state, out := withoutHost(t, pythonWithGRPC(t), "python/stepwise_partitioner_by_length.py")
	if state != "exit status 1" || !strings.HasSuffix(out, "the host is gone\n") {
		t.Errorf("the plugin ended with %q: %s", state, out)
	}
}

func TestPythonPartitioner(t *testing.T) {
	if testing.Short() {
		t.Skip("python3 with grpcio: not in short mode")
	}
	python := pythonWithGRPC(t)
	script, err := filepath.Abs("python/stepwise_partitioner_by_length.py")
	if err != nil {
		t.Fatal(err)
	}
	m := testManager()
	m.Dir = t.TempDir()
	m.Env = []string{"PYTHONDONTWRITEBYTECODE"}
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	starter := fmt.Sprintf("#!/bin/sh\nexec %q %q\n", python, script)
	if err := os.WriteFile(filepath.Join(m.Dir, filePrefix+"partitioner-by-length"), []byte(starter), 0o755); err != nil {
		t.Fatal(err)
	}
	open := func(o core.Options) *Partitioner {
		t.Helper()
		p, err := m.OpenPartitioner(t.Context(), "by-length", o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			wantGone(t, 0, p.runner.pid)
		})
		return p
	}
	coretest.TestPartitioner(t, open(nil))
	scoring := open(core.Options{"score": true})
	coretest.TestPartitioner(t, scoring)
	if v := scoring.Info().Version; v != "1.0.0" {
		t.Errorf("version %q", v)
	}

	// The same plan as the same strategy in Go.
	want, err := rungs[0].partitioner(t, "by-gamma", nil).Partition(t.Context(), coretest.Sources(), newScorer())
	if err != nil {
		t.Fatal(err)
	}
	got, err := scoring.Partition(t.Context(), coretest.Sources(), newScorer())
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("steps %v, %v; want %v", got, err, want)
	}
	// 10 MiB of ids, which come in several messages.
	long := core.Pair{PromptIDs: make([]int32, 1<<20), ChosenIDs: []int32{1}, RejectedIDs: []int32{2}}
	sources := []core.Source{{Name: "long"}, {Name: "short", Pairs: []core.Pair{{PromptIDs: []int32{1}, ChosenIDs: []int32{1}}}}}
	for range 10 {
		sources[0].Pairs = append(sources[0].Pairs, long)
	}
	steps, err := open(nil).Partition(t.Context(), sources, nil)
	if err != nil || len(steps) != 2 || len(steps[0].Pairs) != 10 {
		t.Errorf("%d steps, %v", len(steps), err)
	}
	_, err = scoring.Partition(t.Context(), coretest.Sources(), failingScorer{})
	var own hostError
	if !errors.As(err, &own) {
		t.Errorf("error %v, want the host's own", err)
	}
	_, err = m.OpenPartitioner(t.Context(), "by-length", core.Options{"speed": 1})
	wantText(t, err, `partitioner "by-length": unknown option 'speed'`)
}
