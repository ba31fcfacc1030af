package core

import "context"

// Reporter is told how work goes on. Its methods may be called from any
// goroutine and must return at once.
type Reporter interface {
	// Progress says that done of total units of what are done.
	Progress(what string, done, total int)
	// Note passes a line of text to the user.
	Note(text string)
}

type reporterKey struct{}

// WithReporter returns a context under which work is reported to r.
func WithReporter(ctx context.Context, r Reporter) context.Context {
	return context.WithValue(ctx, reporterKey{}, r)
}

// ReporterFrom returns the context's Reporter, or one that ignores everything.
func ReporterFrom(ctx context.Context) Reporter {
	if r, ok := ctx.Value(reporterKey{}).(Reporter); ok {
		return r
	}
	return silent{}
}

type silent struct{}

func (silent) Progress(string, int, int) {}
func (silent) Note(string)               {}
