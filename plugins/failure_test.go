//go:build unix

package plugins

import (
	"bufio"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
	"github.com/stepwise-dpo/stepwise/core/filehash"
)

// notes is a Reporter that hands notes over.
type notes chan string

func (notes) Progress(string, int, int) {}
func (n notes) Note(text string)        { n <- text }

func newScorer() core.Scorer {
	return coretest.NewScorer(coretest.NewModel(coretest.Vocab, 4, 1), 512)
}

// wantText says which of the texts an error lacks.
func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error lacks %q:\n%v", text, err)
		}
	}
}

func TestHostKilled(t *testing.T) {
	host := exec.Command(os.Args[0], "host")
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var plugin, child int
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		_, err = fmt.Sscanf(line, "pids %d %d", &plugin, &child)
	}
	host.Process.Kill()
	host.Wait()
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	wantGone(t, 2*time.Second, plugin, child)
}

func TestCloseEndsChildren(t *testing.T) {
	p := rungs[1].partitioner(t, "children", nil)
	said := make(notes, 1)
	done := make(chan error)
	ctx, cancel := context.WithCancel(core.WithReporter(t.Context(), said))
	go func() {
		_, err := p.Partition(ctx, coretest.Sources(), newScorer())
		done <- err
	}()
	var plugin, child int
	if _, err := fmt.Sscanf(<-said, "pids %d %d", &plugin, &child); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	wantGone(t, time.Second, plugin, child)
}

func TestCrashInACall(t *testing.T) {
	b := rungs[1].backend(t, "panic")
	m, err := b.Open(t.Context(), "anywhere", core.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.LogProbs(t.Context(), []core.Item{{Prompt: []int32{1}, Completions: [][]int32{{2}}}}, core.Detail{})
	if !errors.Is(err, ErrPluginExited) {
		t.Errorf("error %v, want ErrPluginExited", err)
	}
	wantText(t, err, `backend "panic"`, "panic: cannot open libtorch_cuda.so", "plugins.panicModel.LogProbs", "exit status 2")
	// It stays dead: nothing is started again behind the caller's back.
	_, err = m.Update(t.Context(), core.Update{})
	if !errors.Is(err, ErrPluginExited) {
		t.Errorf("error of the next call %v, want ErrPluginExited", err)
	}
}

func TestExitInACall(t *testing.T) {
	e := rungs[1].evaluator(t, "exits")
	_, err := e.Evaluate(t.Context(), newScorer(), "")
	if !errors.Is(err, ErrPluginExited) {
		t.Errorf("error %v, want ErrPluginExited", err)
	}
	wantText(t, err, `evaluator "exits"`, "exit status 3")
}

func TestPrintsWhileItWorks(t *testing.T) {
	m := testManager()
	lines := &lineLog{}
	m.Log = lines.add
	p, err := m.OpenPartitioner(t.Context(), "prints", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 3 {
		if _, err := p.Partition(t.Context(), coretest.Sources(), newScorer()); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	lines.want(t, "1|1|unix|/tmp/elsewhere|grpc", "to standard error", "raw to descriptor 1")
}

func TestPrintsBeforeTheHandshake(t *testing.T) {
	m := stranger(t, "partitioner-prints-first")
	lines := &lineLog{}
	m.Log = lines.add
	p, err := m.OpenPartitioner(t.Context(), "prints-first", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Partition(t.Context(), coretest.Sources(), newScorer()); err != nil {
		t.Error(err)
	}
	p.Close()
	lines.want(t, "hello from main", "hello from descriptor 1")
}

// lineLog is a Manager's Log.
type lineLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lineLog) add(_, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *lineLog) want(t *testing.T, lines ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		if !strings.Contains(l.text.String(), line+"\n") {
			t.Errorf("the log lacks %q:\n%.500s", line, l.text.String())
		}
	}
}

func TestSlowStart(t *testing.T) {
	m := stranger(t, "partitioner-slow-start")
	m.StartTimeout = 300 * time.Millisecond
	_, err := m.OpenPartitioner(t.Context(), "slow-start", nil)
	wantText(t, err, `partitioner "slow-start"`, "300ms")
	wantNoProcess(t, m.Dir)
}

func TestCancelledStart(t *testing.T) {
	m := stranger(t, "partitioner-slow-start")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := m.OpenPartitioner(ctx, "slow-start", nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 5*time.Second {
		t.Errorf("error %v after %v", err, time.Since(begin))
	}
	wantNoProcess(t, m.Dir)
}

// wantNoProcess looks for processes whose command is in dir.
func wantNoProcess(t *testing.T, dir string) {
	t.Helper()
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		if raw, err := os.ReadFile(c); err == nil && strings.HasPrefix(string(raw), dir) {
			t.Errorf("%s still runs: %q", c, raw)
		}
	}
}

func TestWrongProtocolVersion(t *testing.T) {
	_, err := stranger(t, "partitioner-version-2").OpenPartitioner(t.Context(), "version-2", nil)
	wantText(t, err, `partitioner "version-2"`, "Plugin version: 2", "Client versions: [1]")
}

func TestWrongKind(t *testing.T) {
	_, err := stranger(t, "partitioner-backend-in-disguise").OpenPartitioner(t.Context(), "backend-in-disguise", nil)
	wantText(t, err, `partitioner "backend-in-disguise"`, `of the kind "backend"`)
}

func TestNotAPlugin(t *testing.T) {
	foreign := map[elf.Machine]elf.Machine{elf.EM_X86_64: elf.EM_AARCH64, elf.EM_AARCH64: elf.EM_X86_64}
	self, err := elf.Open(os.Args[0])
	if err != nil {
		t.Skipf("no ELF files on %s: %v", runtime.GOOS, err)
	}
	self.Close()
	otherArch := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00" + string(rune(foreign[self.Machine])))
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		want    []string
	}{
		"says-hello":     {"#!/bin/sh\necho oops >&2\necho hello\n", 0o755, []string{"did not start as a plugin", "hello", "oops"}},
		"ends":           {"#!/bin/sh\nexit 7\n", 0o755, []string{"did not start as a plugin", "it ended by itself (exit status 7)"}},
		"not-executable": {"#!/bin/sh\n", 0o644, []string{"permission denied", "chmod +x"}},
		"other-arch":     {string(otherArch), 0o755, []string{"exec format error", runtime.GOARCH}},
		"text":           {"just a text\n", 0o755, []string{"exec format error"}},
		"empty":          {"", 0o755, []string{"exec format error"}},
		"no-interpreter": {"#!/no/such/interpreter\n", 0o755, []string{"no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := testManager()
			m.Dir = t.TempDir()
			path := filepath.Join(m.Dir, filePrefix+"partitioner-"+name)
			if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := m.OpenPartitioner(t.Context(), name, nil)
			wantText(t, err, append(c.want, fmt.Sprintf("partitioner %q", name))...)
		})
	}
	t.Run("folder", func(t *testing.T) {
		m := testManager()
		m.Paths = map[string]string{"partitioner-folder": t.TempDir()}
		_, err := m.OpenPartitioner(t.Context(), "folder", nil)
		wantText(t, err, `partitioner "folder"`, "is no file")
	})
}

func TestSocketPathTooLong(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if err := os.Mkdir(long, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	_, err := testManager().OpenPartitioner(t.Context(), "by-gamma", nil)
	wantText(t, err, "limit is 103", "TMPDIR")
	left, err := os.ReadDir(long)
	if err != nil || len(left) != 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

func TestBigMessages(t *testing.T) {
	prompt := strings.Repeat("12345678", big/8)
	sources := []core.Source{{Name: "big", Pairs: []core.Pair{{Prompt: prompt, PromptIDs: make([]int32, big)}}}}
	onRungs(t, func(t *testing.T, r rung) {
		steps, err := r.partitioner(t, "big", nil).Partition(t.Context(), sources, bigScorer{})
		if err != nil {
			t.Fatal(err)
		}
		if len(steps) != 1 || len(steps[0].Pairs) != bigRefs {
			t.Errorf("%d steps came back", len(steps))
		}
	})
}

func TestTwentyOpensAndCloses(t *testing.T) {
	temp, err := os.MkdirTemp("", "t")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	t.Setenv("TMPDIR", temp)
	once := func() {
		p, err := testManager().OpenPartitioner(t.Context(), "by-gamma", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Partition(t.Context(), coretest.Sources(), newScorer()); err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	once() // what is set up once
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	for range 20 {
		once()
	}
	deadline := time.Now().Add(2 * time.Second)
	for runtime.NumGoroutine() > goroutines && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	if n := openFiles(t); n > files {
		t.Errorf("%d open files, %d before", n, files)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	needProc(t)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestCancelAndDeadline(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		m, err := r.backend(t, "slow").Open(t.Context(), "anywhere", core.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		said := make(notes, 1)
		ctx, cancel := context.WithCancel(core.WithReporter(t.Context(), said))
		go func() {
			<-said
			cancel()
		}()
		if _, err := m.LogProbs(ctx, nil, core.Detail{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		// The next call waits for the cancelled one to be over.
		if stats, err := m.Update(t.Context(), core.Update{}); err != nil || stats.GradNorm != 5 {
			t.Errorf("update after a cancelled call: %v, %v", stats, err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := m.LogProbs(ctx, nil, core.Detail{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want context.DeadlineExceeded", err)
		}
	})
}

// What listens to nobody is left by its caller at once and ended by Close.
func TestDeafPlugins(t *testing.T) {
	t.Run("it ignores cancellation", func(t *testing.T) {
		t.Parallel()
		p, err := testManager().OpenPartitioner(t.Context(), "hangs", nil)
		if err != nil {
			t.Fatal(err)
		}
		said := make(notes, 1)
		ctx, cancel := context.WithCancel(core.WithReporter(t.Context(), said))
		go func() {
			<-said
			cancel()
		}()
		if _, err := p.Partition(ctx, coretest.Sources(), newScorer()); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		wantGone(t, time.Second, p.runner.pid)
	})
	t.Run("its process is stopped", func(t *testing.T) {
		needProc(t)
		t.Parallel()
		p, err := testManager().OpenPartitioner(t.Context(), "by-gamma", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(p.runner.pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		for state(p.runner.pid) != "T" {
			time.Sleep(time.Millisecond)
		}
		wantText(t, p.Close(), "deadline exceeded")
		wantGone(t, time.Second, p.runner.pid)
	})
}

func TestOneByteFlipped(t *testing.T) {
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	m := testManager()
	m.Dir = t.TempDir()
	path := filepath.Join(m.Dir, filePrefix+"partitioner-mine")
	write := func() {
		t.Helper()
		if err := os.WriteFile(path, binary, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write()
	sum, err := filehash.SHA256(path)
	if err != nil {
		t.Fatal(err)
	}
	m.Pins = map[string]string{"partitioner-mine": sum}
	p, err := m.OpenPartitioner(t.Context(), "mine", nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Info().SHA256 != sum {
		t.Errorf("sha256 %s, want %s", p.Info().SHA256, sum)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	os.Remove(path)
	binary[len(binary)-1] ^= 1
	write()
	_, err = m.OpenPartitioner(t.Context(), "mine", nil)
	wantText(t, err, `partitioner "mine"`, "refused", sum)
	m.Pins["partitioner-mine"] = "12ab"
	_, err = m.OpenPartitioner(t.Context(), "mine", nil)
	wantText(t, err, `"12ab" is not a sha256`)
}

func TestHostileNames(t *testing.T) {
	m := stranger(t, "partitioner-x")
	for _, name := range []string{"../x", "a/b", "-rf", "", ".", "x\x00", "X", "x y", `a\b`, "ü", strings.Repeat("../", 9) + "bin/sh"} {
		_, err := m.OpenPartitioner(t.Context(), name, nil)
		wantText(t, err, "is no name for a partitioner")
	}
	_, err := m.Find("../partitioner", "x")
	wantText(t, err, "unknown kind")
}
