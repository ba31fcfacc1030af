package plugins

import (
	"os"
	"strconv"
	"time"
)

var (
	// startedByHost says that this process is a plugin that a host has started.
	startedByHost = os.Getenv(cookieKey) == cookieValue
	// handshakeOutput is standard output as the host reads it.
	handshakeOutput *os.File
)

// init runs before main, and before whatever a plugin's main prints. The host
// reads the handshake from standard output: anything else there, also from C,
// would break it. So file descriptor 1 becomes a copy of 2, whose lines go to
// the host's log. The programs that a plugin starts are no plugins: they do not
// inherit the cookie, nor the host.
func init() {
	if !startedByHost {
		return
	}
	host := hostPID()
	os.Unsetenv(cookieKey)
	os.Unsetenv(hostKey)
	out, err := divertStdout()
	if err != nil {
		fail(err)
	}
	handshakeOutput = out
	go endWithHost(host)
}

// hostPID returns the process id that the host has given: libraries may load for
// seconds before init runs, and a host that ends meanwhile is no parent any more.
// A plugin that leads no process group was started by the host's child, a script;
// that one is to be watched then.
func hostPID() int {
	if pid, err := strconv.Atoi(os.Getenv(hostKey)); err == nil && leadsGroup() {
		return pid
	}
	return os.Getppid()
}

// watchEvery is how often a plugin looks whether its host still runs.
const watchEvery = 200 * time.Millisecond

// endWithHost ends this process and its children when the host is gone: its
// parent is another one then. (PR_SET_PDEATHSIG would follow the thread that
// started the plugin, not the process.)
func endWithHost(host int) {
	for os.Getppid() == host {
		time.Sleep(watchEvery)
	}
	if leadsGroup() {
		killGroup(os.Getpid())
	}
	os.Exit(1)
}
