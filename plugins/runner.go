package plugins

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/go-plugin/runner"
)

// processRunner starts a plugin's process for go-plugin: in a process group of
// its own, which Kill ends as a whole, without the host's standard input, and
// with those of the host's environment variables alone that are allowed.
type processRunner struct {
	cmd            *exec.Cmd
	stdout, stderr io.ReadCloser
	waited         chan struct{} // closed when the process has ended

	mu     sync.Mutex
	pid    int  // 0 = not started
	killed bool // before it was started, or after
}

var _ runner.Runner = (*processRunner)(nil)

func newProcessRunner(command []string) *processRunner {
	r := &processRunner{cmd: exec.Command(command[0], command[1:]...), waited: make(chan struct{})}
	separate(r.cmd)
	return r
}

// checkSocketDir refuses a folder in which the path of a socket, "plugin" and
// up to ten digits, would not fit into the system's address.
func checkSocketDir(dir string) error {
	if n := len(filepath.Join(dir, "plugin0123456789")); n > maxSocketPath {
		return fmt.Errorf("the path of a socket in %q has %d bytes, the system's limit is %d; set TMPDIR to a shorter path", dir, n, maxSocketPath)
	}
	return nil
}

func (r *processRunner) Start(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.killed {
		return context.Canceled
	}
	var err error
	if r.stdout, err = r.cmd.StdoutPipe(); err != nil {
		return err
	}
	if r.stderr, err = r.cmd.StderrPipe(); err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	r.pid = r.cmd.Process.Pid
	return nil
}

func (r *processRunner) Wait(context.Context) error {
	defer close(r.waited)
	return r.cmd.Wait()
}

// Kill ends the process and its children, or keeps it from being started.
func (r *processRunner) Kill(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed = true
	if r.pid != 0 {
		killGroup(r.pid)
	}
	return nil
}

// exit returns how the process ended: "exit status 2", "signal: killed". Empty
// where it has not ended.
func (r *processRunner) exit() string {
	select {
	case <-r.waited:
		return r.cmd.ProcessState.String()
	default:
		return ""
	}
}

// ended says whether the process has ended by itself, not by a signal.
func (r *processRunner) ended() bool {
	return r.exit() != "" && r.cmd.ProcessState.Exited()
}

func (r *processRunner) Stdout() io.ReadCloser { return r.stdout }
func (r *processRunner) Stderr() io.ReadCloser { return r.stderr }
func (r *processRunner) Name() string          { return r.cmd.Path }

// ID is the process's id. go-plugin takes an empty one for not started.
func (r *processRunner) ID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pid == 0 {
		return ""
	}
	return strconv.Itoa(r.pid)
}

func (r *processRunner) Diagnose(context.Context) string { return "" }

func (r *processRunner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (r *processRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// allowedEnv are the host's environment variables that plugins are given; a
// final * stands for any rest. Variables of go-plugin must not be among them:
// they would mix two plugins up.
var allowedEnv = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TERM",
	"TMPDIR", "TMP", "TEMP", "XDG_*", "SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA",
	"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV",
	"GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR",
	"OMP_*", "MKL_*", "OPENBLAS_*", "CUDA_*", "NVIDIA_*", "NCCL_*", "PYTORCH_*", "LIBTORCH*", "ROCR_*", "HIP_*",
	"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
	"HF_*", "TRANSFORMERS_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_*",
	"STEPWISE_*",
}

// environment returns what of environ is allowed, more naming what is allowed
// besides.
func environment(environ, more []string) []string {
	var env []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if name != cookieKey && (matchesAny(name, allowedEnv) || matchesAny(name, more)) {
			env = append(env, variable)
		}
	}
	return env
}

func matchesAny(name string, patterns []string) bool {
	for _, p := range patterns {
		if prefix, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(name, prefix) || name == p {
			return true
		}
	}
	return false
}
