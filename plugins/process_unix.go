//go:build unix

package plugins

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	executableSuffix = ""
	// maxSocketPath is what sockaddr_un holds, less its final NUL, on the
	// system with the smallest one (the BSDs and macOS).
	maxSocketPath = 103
)

// separate puts the command into a process group of its own: a Ctrl-C reaches
// the host alone, and the plugin can be ended with all its children.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// killGroup ends the process group that pid leads. A group that is gone is
// no error.
func killGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL)
}

// leadsGroup says whether this process leads its group.
func leadsGroup() bool {
	return syscall.Getpgrp() == os.Getpid()
}

// divertStdout makes file descriptor 1 a copy of 2, and returns the old one.
func divertStdout() (*os.File, error) {
	fd, err := syscall.Dup(1)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "handshake"), unix.Dup2(2, 1)
}
