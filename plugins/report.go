package plugins

import (
	"context"
	"sync"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// sender sends the messages of one call, from any goroutine, until it is closed.
type sender[T any] struct {
	mu     sync.Mutex
	send   func(T) error
	closed bool
}

func (s *sender[T]) Send(message T) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return context.Canceled
	}
	return s.send(message)
}

// close makes the sender refuse what a goroutine that outlives its call sends.
func (s *sender[T]) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// progressEvery is the least time between two messages of progress.
const progressEvery = 100 * time.Millisecond

// reporter is the core.Reporter of a plugin's call: it sends to the host, whose
// side is forward. A report that cannot be sent is lost with its call.
type reporter struct {
	send func(*pb.Report) error

	mu   sync.Mutex
	last time.Time
}

var _ core.Reporter = (*reporter)(nil)

// Progress sends the last of its kind and, of all kinds together, no more than
// the wire and the terminal have use for: one in progressEvery.
func (r *reporter) Progress(what string, done, total int) {
	r.mu.Lock()
	due := done == total || time.Since(r.last) >= progressEvery
	if due {
		r.last = time.Now()
	}
	r.mu.Unlock()
	if due {
		p := &pb.Progress{What: what, Done: int64(done), Total: int64(total)}
		_ = r.send(&pb.Report{Report: &pb.Report_Progress{Progress: p}})
	}
}

func (r *reporter) Note(text string) {
	_ = r.send(&pb.Report{Report: &pb.Report_Note{Note: text}})
}

// forward hands a plugin's report to the Reporter of ctx.
func forward(ctx context.Context, r *pb.Report) {
	to := core.ReporterFrom(ctx)
	switch r := r.GetReport().(type) {
	case *pb.Report_Progress:
		to.Progress(r.Progress.GetWhat(), int(r.Progress.GetDone()), int(r.Progress.GetTotal()))
	case *pb.Report_Note:
		to.Note(r.Note)
	}
}
