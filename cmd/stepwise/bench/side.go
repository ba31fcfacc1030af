package bench

import (
	"context"
	"errors"

	"github.com/stepwise-dpo/stepwise/core"
)

// The works that bench times. The names are also those that torch.py knows.
const (
	scoring = "scoring"
	update  = "DPO update"
)

var works = []string{scoring, update}

// A side is a program that bench times.
type side struct {
	name    string
	rows    rows // that its model computes in a pass
	prepare func(ctx context.Context) error
	time    func(ctx context.Context, work string) (seconds float64, err error)
	close   func() error

	seconds map[string][]float64 // of each work, one a round
	err     error                // what it failed at; it then takes no further turn
}

// errNoMemory is what a side fails at whose device has no room.
var errNoMemory = errors.New("out of memory")

// race times ours and, unless it is nil, theirs in turns, and closes them. Where
// theirs runs out of memory beside ours, they are apart: theirs is prepared again and
// timed after ours has been closed.
func race(ctx context.Context, rounds int, ours, theirs *side) (apart bool) {
	ours.start(ctx)
	if theirs == nil || ours.err != nil {
		turns(ctx, rounds, ours)
		ours.end()
		return false
	}
	theirs.start(ctx)
	apart = errors.Is(theirs.err, errNoMemory)
	turns(ctx, rounds, ours, theirs)
	ours.end()
	if apart {
		theirs.start(ctx)
		turns(ctx, rounds, theirs)
	}
	theirs.end()
	return apart
}

func (s *side) start(ctx context.Context) { s.err = s.prepare(ctx) }
func (s *side) end()                      { s.err = errors.Join(s.err, s.close()) }

// turns times every work on every side, one side after the other in each round, so
// that what else the machine does hits all of them.
func turns(ctx context.Context, rounds int, sides ...*side) {
	reporter := core.ReporterFrom(ctx)
	ctx = core.WithReporter(ctx, nil) // of the rounds alone; what is timed has no other work
	for round := range rounds {
		for _, work := range works {
			for _, s := range sides {
				s.turn(ctx, work)
			}
		}
		reporter.Progress("rounds", round+1, rounds)
	}
}

func (s *side) turn(ctx context.Context, work string) {
	if s.err != nil {
		return
	}
	seconds, err := s.time(ctx, work)
	if err != nil {
		s.err = err
		return
	}
	if s.seconds == nil {
		s.seconds = map[string][]float64{}
	}
	s.seconds[work] = append(s.seconds[work], seconds)
}
