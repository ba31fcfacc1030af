package training

import (
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

func TestNext(t *testing.T) {
	var s State
	if s.Moments() != 0 {
		t.Errorf("%d moments before the first step", s.Moments())
	}
	adamw, rmsprop := core.Update{Optimizer: core.Optimizer{Name: "adamw"}}, core.Update{Optimizer: core.Optimizer{Name: "rmsprop"}}
	for n := 1; n <= 2; n++ {
		next, err := s.Next(adamw)
		if want := (State{"adamw", n}); err != nil || next != want || next.Moments() != 2 {
			t.Errorf("state %+v, error %v; want %+v", next, err, want)
		}
		s = next
	}
	for want, u := range map[string]core.Update{
		`"adamw" so far and cannot become "rmsprop"`: rmsprop,
		`optimizer "sgd" is not known`:               {Optimizer: core.Optimizer{Name: "sgd"}},
	} {
		if after, err := s.Next(u); err == nil || !strings.Contains(err.Error(), want) || after != s {
			t.Errorf("state %+v, error %v; want %q", after, err, want)
		}
	}
}
