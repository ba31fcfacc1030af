//go:build unix

package plugins

import (
	"fmt"
	"strings"
	"testing"
)

func TestTailKeepsTheLastLines(t *testing.T) {
	var logged int
	tail := &tail{log: func(string) { logged++ }}
	w := &lineWriter{tail: tail}
	for i := range 100 {
		fmt.Fprintf(w, "li")
		fmt.Fprintf(w, "ne %d\r\n", i)
	}
	text := tail.String()
	if strings.Contains(text, "line 35\n") || !strings.Contains(text, "\tline 36\n") || !strings.HasSuffix(text, "\tline 99") || logged != 100 {
		t.Errorf("%d lines logged, kept:\n%s", logged, text)
	}
}

func TestTailKeepsTheCrash(t *testing.T) {
	tail := &tail{}
	w := &lineWriter{tail: tail}
	fmt.Fprintln(w, "before")
	fmt.Fprintln(w, "panic: no such library")
	for i := range 200 {
		fmt.Fprintln(w, "frame", i)
	}
	text := tail.String()
	if !strings.HasPrefix(text, "it crashed:\n\tpanic: no such library\n\tframe 0\n") || strings.Contains(text, "frame 100") {
		t.Errorf("kept:\n%s", text)
	}
}

func TestTailCutsEndlessLines(t *testing.T) {
	tail := &tail{}
	w := &lineWriter{tail: tail}
	fmt.Fprint(w, strings.Repeat("x", 3*maxLine+1))
	if len(tail.lines) != 3 || len(w.partial) != 1 {
		t.Errorf("%d lines and %d bytes more", len(tail.lines), len(w.partial))
	}
}
