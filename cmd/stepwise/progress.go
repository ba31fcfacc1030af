package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/stepwise-dpo/stepwise/core"
)

var _ core.Reporter = (*progress)(nil)

// progress shows how work goes on: one line that is drawn over on a terminal, a
// line every few seconds elsewhere.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	what     string
	from     int // units done at its first report, not 0 after --resume
	start    time.Time
	shown    time.Time
	drawn    bool // an unfinished line stands on the terminal
	printed  bool // a line of this work has been printed elsewhere
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Progress implements core.Reporter.
func (p *progress) Progress(what string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if what != p.what {
		p.finishLine()
		p.what, p.from, p.start, p.shown, p.printed = what, done, now, now, false
	}
	interval := 5 * time.Second
	if p.terminal {
		interval = 100 * time.Millisecond
	}
	if done >= total {
		p.what = "" // the same work may begin again
	}
	last := done >= total && (p.terminal || p.printed)
	if now.Sub(p.shown) < interval && !last {
		return
	}
	p.shown = now
	line := fmt.Sprintf("%s %d/%d%s", what, done, total, pace(done-p.from, total-done, now.Sub(p.start)))
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		p.printed = true
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.drawn = true
	if done >= total {
		p.finishLine()
	}
}

// pace tells the rate at which done units were done in the elapsed time, and how
// long those that are left will take.
func pace(done, left int, elapsed time.Duration) string {
	if done <= 0 || elapsed < 500*time.Millisecond {
		return ""
	}
	rate := float64(done) / elapsed.Seconds()
	if left <= 0 {
		return fmt.Sprintf(", %.3g/s, %s", rate, elapsed.Round(100*time.Millisecond))
	}
	remaining := time.Duration(float64(left) / rate * float64(time.Second))
	return fmt.Sprintf(", %.3g/s, %s left", rate, remaining.Round(time.Second))
}

// Note implements core.Reporter.
func (p *progress) Note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finishLine()
	fmt.Fprintln(p.w, text)
}

// finishLine ends the line that is being drawn over.
func (p *progress) finishLine() {
	if p.drawn {
		fmt.Fprintln(p.w)
		p.drawn = false
	}
}

// close leaves the terminal on a new line.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finishLine()
}
