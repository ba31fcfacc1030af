package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestProgressRate: the rate is that of what was done since the first report, which
// may come after a --resume, and a note in between begins nothing anew.
func TestProgressRate(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var out bytes.Buffer
		p := &progress{w: &out, terminal: terminal}
		later := func(by time.Duration) { p.start, p.shown = p.start.Add(-by), p.shown.Add(-by) }
		p.Progress("update", 900, 1000)
		later(5 * time.Second)
		p.Note("a note")
		later(5 * time.Second)
		p.Progress("update", 920, 1000)
		if want := "update 920/1000, 2/s, 40s left"; !strings.Contains(out.String(), want) {
			t.Errorf("terminal %v: %q, want %q", terminal, out.String(), want)
		}
		p.Progress("update", 1000, 1000)
		out.Reset()
		p.Progress("update", 1, 1000)
		later(10 * time.Second)
		p.Progress("update", 11, 1000)
		if want := "update 11/1000, 1/s"; !strings.Contains(out.String(), want) {
			t.Errorf("terminal %v, the same work again: %q, want %q", terminal, out.String(), want)
		}
	}
}
