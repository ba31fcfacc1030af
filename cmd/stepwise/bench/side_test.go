package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// scripted is a side that writes down what is done with it.
func scripted(name string, log *[]string, fail func(event string) error) *side {
	note := func(event string) error {
		*log = append(*log, name+" "+event)
		return fail(event)
	}
	return &side{
		name:    name,
		prepare: func(context.Context) error { return note("prepare") },
		time:    func(_ context.Context, work string) (float64, error) { return 1, note(work) },
		close:   func() error { return note("close") },
	}
}

// TestRace: both in turns; one after the other where there is no memory for both;
// and what fails on one side leaves the other's numbers.
func TestRace(t *testing.T) {
	fine := func(string) error { return nil }
	broken := errors.New("broken")
	for _, c := range []struct {
		name       string
		fail       func() func(event string) error // of theirs
		want       string
		apart      bool
		err        error
		theirTimes int
	}{
		{"in turns", func() func(string) error { return fine },
			"a prepare, b prepare, a scoring, b scoring, a DPO update, b DPO update, a close, b close", false, nil, 1},
		{"apart", func() func(string) error {
			times := 0
			return func(event string) error {
				if times++; times == 1 {
					return fmt.Errorf("a GPU: %w", errNoMemory)
				}
				return nil
			}
		}, "a prepare, b prepare, a scoring, a DPO update, a close, b prepare, b scoring, b DPO update, b close", true, nil, 1},
		{"too large", func() func(string) error {
			return func(event string) error {
				if event == "prepare" {
					return errNoMemory
				}
				return nil
			}
		}, "a prepare, b prepare, a scoring, a DPO update, a close, b prepare, b close", true, errNoMemory, 0},
		{"broken on the way", func() func(string) error {
			return func(event string) error {
				if event == update {
					return broken
				}
				return nil
			}
		}, "a prepare, b prepare, a scoring, b scoring, a DPO update, b DPO update, a close, b close", false, broken, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log []string
			a, b := scripted("a", &log, fine), scripted("b", &log, c.fail())
			if apart := race(t.Context(), 1, a, b); apart != c.apart {
				t.Errorf("apart is %v", apart)
			}
			if got := strings.Join(log, ", "); got != c.want {
				t.Errorf("%s; want %s", got, c.want)
			}
			if a.err != nil || !errors.Is(b.err, c.err) {
				t.Errorf("errors %v and %v", a.err, b.err)
			}
			if len(a.seconds[scoring]) != 1 || len(a.seconds[update]) != 1 || len(b.seconds[scoring]) != c.theirTimes {
				t.Errorf("times %v and %v", a.seconds, b.seconds)
			}
		})
	}
	var log []string
	a := scripted("a", &log, func(string) error { return broken })
	race(t.Context(), 2, a, scripted("b", &log, fine))
	if want := []string{"a prepare", "a close"}; !slices.Equal(log, want) || !errors.Is(a.err, broken) {
		t.Errorf("ours broken: %v, %v", log, a.err)
	}
}
