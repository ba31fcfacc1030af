package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

const (
	protocolVersion = 1
	cookieKey       = "STEPWISE_PLUGIN"
	cookieValue     = "a partitioner, an evaluator or a backend"
	hostKey         = "STEPWISE_HOST_PID" // the host's process id
	dispensed       = "stepwise"          // the one entry of the plugin set

	closeTimeout = 5 * time.Second // for a plugin to free what it holds
	killGrace    = 3 * time.Second // for its process to end by itself
	exitPatience = time.Second     // for the last words of one that lost its connection
)

// handshake is a courtesy to those who start a plugin by hand, no security.
var handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  protocolVersion,
	MagicCookieKey:   cookieKey,
	MagicCookieValue: cookieValue,
}

// Info says what a plugin is and where it came from.
type Info struct {
	Kind    Kind   `json:"kind"`
	Name    string `json:"name"`
	Path    string `json:"path"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Builtin bool   `json:"builtin"`
	Error   string `json:"error,omitempty"` // why it cannot be used, from List
}

func (i Info) title() string { return fmt.Sprintf("%s %q", i.Kind, i.Name) }

// Plugin is a running plugin.
type Plugin struct {
	info   Info
	conn   grpc.ClientConnInterface
	life   context.Context // ends when the process has ended
	output *tail

	client  *goplugin.Client // nil where there is no process, in tests
	runner  *processRunner
	sockets string // the private folder that go-plugin made
	closing sync.Once
	closed  error
}

// Info returns what the plugin is.
func (p *Plugin) Info() Info { return p.info }

// launch is what starting a plugin needs to know.
type launch struct {
	info    Info
	command []string
	pin     string // sha256 in hex; empty = not pinned
	env     []string
	timeout time.Duration
	log     func(line string)
}

// start runs the process and shakes hands. What it fails at, it cleans up.
func start(ctx context.Context, l launch) (*Plugin, error) {
	p := &Plugin{info: l.info, output: &tail{log: l.log}}
	begin := time.Now()
	if err := p.launch(ctx, l); err != nil {
		took := time.Since(begin)
		p.kill() // and have all that it printed
		return nil, fmt.Errorf("%s: %w", l.info.title(), p.startError(ctx, l, err, took))
	}
	if err := p.describe(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Plugin) launch(ctx context.Context, l launch) error {
	if err := checkPin(l.info.Path, l.pin); err != nil {
		return err
	}
	p.runner = newProcessRunner(l.command)
	defer context.AfterFunc(ctx, func() { p.runner.Kill(ctx) })()
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{protocolVersion: {dispensed: &connector{}}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		SkipHostEnv:      true,
		AutoMTLS:         runtime.GOOS == "windows", // a private unix socket needs none
		StartTimeout:     l.timeout,
		Logger:           hclog.NewNullLogger(),
		Stderr:           &lineWriter{tail: p.output},
		SyncStdout:       &lineWriter{tail: p.output},
		SyncStderr:       &lineWriter{tail: p.output},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, dir string) (runner.Runner, error) {
			p.sockets = dir
			p.runner.cmd.Env = append(environment(os.Environ(), l.env), cmd.Env...)
			p.runner.cmd.Env = append(p.runner.cmd.Env, fmt.Sprintf("%s=%d", hostKey, os.Getpid()))
			return p.runner, checkSocketDir(dir)
		},
	})
	return p.connect()
}

// connect waits for the handshake and connects.
func (p *Plugin) connect() error {
	protocol, err := p.client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(dispensed)
	if err != nil {
		return err
	}
	c := raw.(*connector)
	p.conn, p.life = c.conn, c.life
	return nil
}

// connector is the host's side of go-plugin's plugin set: it keeps the
// connection and the context that ends with the process.
type connector struct {
	goplugin.NetRPCUnsupportedPlugin
	conn *grpc.ClientConn
	life context.Context
}

var _ goplugin.GRPCPlugin = (*connector)(nil)

func (*connector) GRPCClient(life context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &connector{conn: conn, life: life}, nil
}

func (*connector) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves no plugin")
}

// startError says why the process did not become a plugin.
func (p *Plugin) startError(ctx context.Context, l launch, err error, took time.Duration) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errPin):
		return err
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%w: it is no program for %s/%s", err, runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: make it executable (chmod +x)", err)
	case took >= l.timeout:
		err = fmt.Errorf("no handshake within %v", l.timeout)
	}
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	if p.runner.ended() {
		text += "; it ended by itself" + p.exitStatus()
	}
	if last := p.output.String(); last != "" {
		text += "; " + last
	}
	return fmt.Errorf("%q did not start as a plugin: %s", l.info.Path, text)
}

// describe asks the plugin what it is.
func (p *Plugin) describe(ctx context.Context) error {
	call, cancel := p.begin(ctx)
	defer cancel()
	d, err := pb.NewPluginClient(p.conn).Describe(call, &pb.DescribeRequest{})
	if err != nil {
		return p.mapError(ctx, err)
	}
	if Kind(d.GetKind()) != p.info.Kind {
		return fmt.Errorf("%s: %q is a plugin of the kind %q", p.info.title(), p.info.Path, d.GetKind())
	}
	p.info.Version = d.GetVersion()
	return nil
}

// begin returns a context for a call: it ends with the caller's and with the
// plugin's process. It has no deadline, or the plugin's clock could end the call
// before the caller's context has ended, and the error would be another.
func (p *Plugin) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	call, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		cancel()
	}
	stopCaller := context.AfterFunc(ctx, cancel)
	stopLife := context.AfterFunc(p.life, cancel)
	return call, func() {
		stopCaller()
		stopLife()
		cancel()
	}
}

// Close lets the plugin free what it holds and ends its process and the
// process's children. It may be called more than once.
func (p *Plugin) Close() error {
	p.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_, err := pb.NewPluginClient(p.conn).Close(ctx, &pb.CloseRequest{})
		if c := status.Code(err); c != codes.Unavailable && c != codes.Unimplemented && p.life.Err() == nil {
			p.closed = p.mapError(ctx, err)
		}
		if ctx.Err() != nil && p.runner != nil {
			p.runner.Kill(ctx) // it is deaf; do not ask it a second time
		}
		p.kill()
	})
	return p.closed
}

// kill ends the process, by asking first, and whatever it has started.
func (p *Plugin) kill() {
	if p.client != nil {
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.client.Kill()
		}()
		select {
		case <-done:
		case <-time.After(killGrace):
		}
		p.runner.Kill(context.Background())
		<-done
	}
	if p.sockets != "" {
		os.RemoveAll(p.sockets)
	}
}

// awaitExit waits for a process that has lost its connection to end, and ends
// it where it does not.
func (p *Plugin) awaitExit() {
	select {
	case <-p.life.Done():
		return
	case <-time.After(exitPatience):
	}
	if p.runner != nil {
		p.runner.Kill(context.Background())
	}
	select {
	case <-p.life.Done():
	case <-time.After(killGrace):
	}
}

// exitStatus returns " (exit status 2)" and the like; empty where unknown.
func (p *Plugin) exitStatus() string {
	if p.runner == nil || p.runner.exit() == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", p.runner.exit())
}
