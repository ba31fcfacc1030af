//go:build unix

package plugins

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// TestMain makes the test binary a plugin where a host has started it: one that
// is built in (its arguments are KIND NAME) or a stranger's, by its file's name.
// With the argument "host" it is a host that waits to be killed.
func TestMain(m *testing.M) {
	switch {
	case startedByHost && len(os.Args) == 3:
		fail(ServeBuiltin(Kind(os.Args[1]), os.Args[2], testBuiltins))
	case startedByHost:
		serveStranger(filepath.Base(os.Args[0]))
	case len(os.Args) == 2 && os.Args[1] == "host":
		fail(hostUntilKilled())
	default:
		code := m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
}

// testBuiltins are plugins as one hopes for and as one fears.
var testBuiltins = Builtins{
	Version: "1.2.3-test",
	Backends: map[string]core.Backend{
		"tiny":  coretest.Backend{},
		"panic": panicBackend{},
		"slow":  slowBackend{},
		"idle":  idleBackend{},
	},
	Partitioners: map[string]func(core.Options) (core.Partitioner, error){
		"by-gamma": newByGamma,
		"prints":   func(core.Options) (core.Partitioner, error) { return partitionFunc(printAndPartition), nil },
		"children": func(core.Options) (core.Partitioner, error) { return partitionFunc(startChild), nil },
		"hangs":    func(core.Options) (core.Partitioner, error) { return partitionFunc(hang), nil },
		"big":      func(core.Options) (core.Partitioner, error) { return partitionFunc(partitionBig), nil },
	},
	Evaluators: map[string]func(core.Options) (core.Evaluator, error){
		"gamma": func(core.Options) (core.Evaluator, error) { return evaluateFunc(meanGamma), nil },
		"asks":  func(core.Options) (core.Evaluator, error) { return asker{meanGamma}, nil },
		"echo":  func(core.Options) (core.Evaluator, error) { return evaluateFunc(echo), nil },
		"exits": func(core.Options) (core.Evaluator, error) { return evaluateFunc(exit), nil },
	},
}

// serveStranger is the main of the plugins that are files of their own.
func serveStranger(file string) {
	_, name, _ := parseFile(file)
	switch name {
	case "prints-first":
		fmt.Println("hello from main")
		syscall.Write(1, []byte("hello from descriptor 1\n"))
	case "slow-start":
		time.Sleep(time.Minute)
	case "version-2":
		os.Stdout = handshakeOutput
		os.Setenv(cookieKey, cookieValue)
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig:  handshake,
			VersionedPlugins: map[int]goplugin.PluginSet{2: {dispensed: servedPlugin{service: partitionerService(newByGamma)}}},
			GRPCServer:       newServer,
		})
		return
	case "backend-in-disguise":
		ServeBackend(coretest.Backend{})
		return
	}
	ServePartitioner(newByGamma)
}

// hostUntilKilled runs a plugin that has a child, prints the process ids of
// both, and waits.
func hostUntilKilled() error {
	m := testManager()
	p, err := m.OpenPartitioner(context.Background(), "children", nil)
	if err != nil {
		return err
	}
	ctx := core.WithReporter(context.Background(), printer{os.Stdout})
	_, err = p.Partition(ctx, coretest.Sources(), nil)
	return err
}

// testManager serves the test's plugins by running this binary again.
func testManager() *Manager {
	return &Manager{Builtins: testBuiltins, BuiltinCommand: []string{os.Args[0]}}
}

// stranger makes this binary a plugin's file in a folder of plugins.
func stranger(t *testing.T, names ...string) *Manager {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink(os.Args[0], filepath.Join(dir, filePrefix+name)); err != nil {
			t.Fatal(err)
		}
	}
	m := testManager()
	m.Dir = dir
	return m
}

// inProcess serves s over a connection in memory: the transport without the
// process.
func inProcess(t *testing.T, s *service) *Plugin {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := newServer(nil)
	s.registerAll(server)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:memory",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	life, end := context.WithCancel(context.Background())
	t.Cleanup(func() {
		conn.Close()
		server.Stop()
		<-done
		end()
	})
	return &Plugin{info: Info{Kind: s.kind, Name: "memory"}, conn: conn, life: life, output: &tail{}}
}

// printer is a Reporter that writes notes.
type printer struct{ to io.Writer }

func (printer) Progress(string, int, int) {}
func (p printer) Note(text string)        { fmt.Fprintln(p.to, text) }

// state is a process's as ps shows it: "S" sleeping, "T" stopped, "Z" ended but
// not yet waited for; empty where there is none.
func state(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

func alive(pid int) bool {
	s := state(pid)
	return s != "" && s != "Z"
}

// needProc skips where processes cannot be looked at.
func needProc(t *testing.T) {
	t.Helper()
	if state(os.Getpid()) == "" {
		t.Skip("no /proc here")
	}
}

// wantGone waits until none of the processes runs.
func wantGone(t *testing.T, within time.Duration, pids ...int) {
	t.Helper()
	needProc(t)
	deadline := time.Now().Add(within)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Errorf("process %d still runs after %v", pid, within)
				syscall.Kill(pid, syscall.SIGKILL)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// startSleep starts a process that outlives its parent if nobody ends it.
func startSleep() (int, error) {
	cmd := exec.Command("sleep", "600")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	return cmd.Process.Pid, nil
}
