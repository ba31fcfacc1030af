package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// binary returns a path by which this test binary runs as the command.
func binary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stepwise")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func example(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ex")
	mustRun(t, "demo", "--files-only", "--dir", dir)
	return filepath.Join(dir, "example.toml")
}

// TestKilledRunResumes: a run that is killed with SIGKILL again and again, at
// moments of no choosing, ends with the bits of one that was not.
func TestKilledRunResumes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a dozen processes")
	}
	config, dir := example(t), t.TempDir()
	args := []string{"run", config, "--dir", dir, "--set", "train.save_every=4"}
	mustRun(t, append(args, "--name", "whole")...)
	self := binary(t)
	for attempt := range 40 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(400+100*attempt)*time.Millisecond)
		again := append(args, "--name", "killed")
		if _, err := os.Stat(filepath.Join(dir, "killed", "config.toml")); err == nil {
			again = append(again, "--resume")
		}
		out, err := exec.CommandContext(ctx, self, again...).CombinedOutput() // killed at the deadline
		killed := ctx.Err() != nil
		cancel()
		if err == nil {
			if left, err := filepath.Glob(filepath.Join(dir, "killed", "*", ".*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			compareRuns(t, filepath.Join(dir, "whole"), filepath.Join(dir, "killed"))
			t.Logf("killed %d times", attempt)
			return
		}
		if !killed {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Fatal("the run did not end in 40 attempts")
}

func compareRuns(t *testing.T, a, b string) {
	t.Helper()
	for _, name := range []string{"plan.json", "partition.jsonl", "summary.json", "step-1/model/model.safetensors", "step-2/model/model.safetensors", "step-2/reference.jsonl"} {
		x, errX := os.ReadFile(filepath.Join(a, name))
		y, errY := os.ReadFile(filepath.Join(b, name))
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs (%v, %v)", name, errX, errY)
		}
	}
	if x, y := updates(t, a), updates(t, b); len(x) == 0 || x != y {
		t.Errorf("updates\n%s\nwithout being killed\n%s", y, x)
	}
}

// updates prints what was logged, but for the speed.
func updates(t *testing.T, dir string) string {
	t.Helper()
	f, err := record.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := record.ReadMetrics(f)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range rows {
		r.TokensPerSecond = 0
		fmt.Fprintf(&b, "%+v\n", r)
	}
	return b.String()
}

// TestInterrupt: the first Ctrl-C ends the run after its update with exit code
// 130, and --resume brings it to the bits of an uninterrupted one.
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	config, dir := example(t), t.TempDir()
	args := []string{"run", config, "--dir", dir, "--set", "train.num_train_epochs=20", "--set", "partition.strategy=given"}
	mustRun(t, append(args, "--name", "whole")...)
	c := exec.Command(binary(t), append(args, "--name", "stopped")...)
	var errs bytes.Buffer
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(dir, "stopped", "metrics.jsonl"))
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := c.Wait()
	if code := c.ProcessState.ExitCode(); code != 130 || !strings.Contains(errs.String(), "--resume") {
		t.Fatalf("exit %d, %v\n%s", code, err, errs.String())
	}
	mustRun(t, append(args, "--name", "stopped", "--resume")...)
	compareRuns(t, filepath.Join(dir, "whole"), filepath.Join(dir, "stopped"))
}

// TestSecondSignalKills: work that ignores its context, here the reading of
// standard input, is ended by the second signal.
func TestSecondSignalKills(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, binary(t), "score", "--model", "none")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(make([]byte, 1<<20)); err != nil { // more than a pipe holds: it is being read
		t.Fatal(err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(errs).ReadString('\n'); !strings.Contains(line, "again stops at once") {
		t.Errorf("after the first signal it prints %q, %v", line, err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != -1 || ctx.Err() != nil {
		t.Errorf("it ended with %v, not by the second signal", err)
	}
}

// waitFor waits until the file has something in it.
func waitFor(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return
		}
	}
	t.Fatalf("%q stayed empty", path)
}

// TestStranger: the template of a partitioner is built in a module of its own,
// dropped into the plugin folder and used by one line of configuration; a pin of
// another binary's hash is refused.
func TestStranger(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module")
	}
	config, dir := example(t), t.TempDir()
	module, folder := filepath.Join(dir, "module"), filepath.Join(dir, "plugins")
	mustRun(t, "plugin", "new", "partitioner", "mine", module, "--sdk", testenv.Root(t))
	name := "stepwise-partitioner-mine"
	build := exec.Command("go", "build", "-o", filepath.Join(folder, name), ".")
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := []string{"run", config, "--dir", dir, "--set", "partition.strategy=mine", "--set", "partition.options={}", "--set", "plugins.dir=" + folder}
	mustRun(t, args...)
	f, err := record.Open(filepath.Join(dir, "example"))
	if err != nil {
		t.Fatal(err)
	}
	var m record.Manifest
	if err := f.ReadJSON("manifest.json", &m); err != nil {
		t.Fatal(err)
	}
	used, ok := m.Plugins["partitioner-mine"]
	if !ok || used.Path != filepath.Join(folder, name) || len(used.SHA256) != 64 {
		t.Errorf("the manifest has %+v", m.Plugins)
	}
	if out := mustRun(t, "plugin", "list", "--plugins", folder); !strings.Contains(out, name) {
		t.Errorf("plugin list prints\n%s", out)
	}
	pin := `plugins.sha256={"partitioner-mine" = "` + strings.Repeat("0", 64) + `"}`
	_, errs, code := runCommandLine(t, "", append(args, "--name", "pinned", "--set", pin)...)
	if code != 2 || !strings.Contains(errs, "sha256") {
		t.Errorf("a wrong pin: exit %d, %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "pinned")); err == nil {
		t.Error("a refused run left a folder")
	}
}
