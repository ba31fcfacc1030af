package plugins

import (
	"bytes"
	"strings"
	"sync"
)

const (
	tailLines  = 64 // last lines that are kept
	crashLines = 24 // first lines of a crash that are kept
	maxLine    = 4096
)

// tail keeps the last lines of what a plugin prints, and the first lines of its
// crash, which the stacks of many goroutines would push out. Each line is
// handed to log as it comes.
type tail struct {
	log func(line string)

	mu    sync.Mutex
	lines []string
	crash []string
}

// lineWriter cuts what one stream prints into lines of a tail.
type lineWriter struct {
	tail    *tail
	partial []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		i := bytes.IndexByte(w.partial, '\n')
		if i < 0 && len(w.partial) > maxLine {
			i = maxLine
		}
		if i < 0 {
			return len(p), nil
		}
		w.tail.add(string(w.partial[:i]))
		w.partial = bytes.TrimPrefix(w.partial[i:], []byte("\n"))
	}
}

func (t *tail) add(line string) {
	line = strings.ToValidUTF8(strings.TrimRight(line, "\r"), "\uFFFD")
	t.mu.Lock()
	if t.lines = append(t.lines, line); len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
	if len(t.crash) > 0 && len(t.crash) < crashLines || startsCrash(line) && len(t.crash) == 0 {
		t.crash = append(t.crash, line)
	}
	t.mu.Unlock()
	if t.log != nil {
		t.log(line)
	}
}

// startsCrash recognises the first line of a crash in Go, C++ and Python.
func startsCrash(line string) bool {
	for _, start := range []string{"panic: ", "fatal error: ", "SIG", "terminate called", "Traceback "} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// String returns the crash's first lines, else the last lines, indented below a
// heading; empty where nothing was printed.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines, heading := t.lines, "it printed last:"
	if len(t.crash) > 0 {
		lines, heading = t.crash, "it crashed:"
	}
	if len(lines) == 0 {
		return ""
	}
	return heading + "\n\t" + strings.Join(lines, "\n\t")
}
