package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestBenchLeavesNothing: after its end and after Ctrl-C the folder of random
// weights is gone.
func TestBenchLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, c := range []struct {
		name   string
		rounds string
		stop   bool
		code   int
	}{{"ended", "1", false, 0}, {"Ctrl-C", "1000000", true, 130}} {
		t.Run(c.name, func(t *testing.T) {
			tmp, err := os.MkdirTemp("", "b") // short, as a socket's path must be
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(tmp)
			p := exec.Command(binary(t), "bench", "--shape", "1m", "--tokens", "16", "--rounds", c.rounds)
			p.Env = append(os.Environ(), "TMPDIR="+tmp)
			var errs bytes.Buffer
			p.Stderr = &errs
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			if c.stop {
				waitForWeights(t, tmp)
				if err := p.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
			err = p.Wait()
			if code := p.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit %d, %v\n%s", code, err, errs.String())
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// waitForWeights waits until bench has written them below tmp.
func waitForWeights(t *testing.T, tmp string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found, err := filepath.Glob(filepath.Join(tmp, "stepwise-bench-*", "model.safetensors")); err != nil || len(found) > 0 {
			return
		}
	}
	t.Fatal("no weights came")
}
