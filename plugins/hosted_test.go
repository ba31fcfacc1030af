//go:build unix

package plugins

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// withoutHost starts a plugin whose host has ended before it, and returns how
// it ends and what it prints.
func withoutHost(t *testing.T, command ...string) (state, output string) {
	t.Helper()
	host := exec.Command(os.Args[0], "-test.run=^$")
	if err := host.Run(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	separate(cmd)
	cmd.Env = append(os.Environ(), cookieKey+"="+cookieValue, fmt.Sprintf("%s=%d", hostKey, host.Process.Pid))
	out, _ := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Error("the plugin runs without its host")
	}
	return cmd.ProcessState.String(), string(out)
}

// A host that is killed while the plugin's libraries load leaves no orphan.
func TestHostEndsBeforeInit(t *testing.T) {
	if state, out := withoutHost(t, os.Args[0], string(KindPartitioner), "by-gamma"); state != "signal: killed" {
		t.Errorf("the plugin ended with %q: %s", state, out)
	}
}

// A script between the host and the plugin is the plugin's parent.
func TestScriptStartsThePlugin(t *testing.T) {
	m := testManager()
	m.Dir = t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n%q partitioner by-gamma\nexit $?\n", os.Args[0])
	if err := os.WriteFile(filepath.Join(m.Dir, filePrefix+"partitioner-scripted"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := m.OpenPartitioner(t.Context(), "scripted", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Partition(t.Context(), coretest.Sources(), newScorer()); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
