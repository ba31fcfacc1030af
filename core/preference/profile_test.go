package preference

import (
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	for _, c := range []struct{ in, want Profile }{
		{Profile{}, Profile{TRL1, 1024, 0, KeepStart}},
		{Profile{Name: TRL028}, Profile{TRL028, 1024, 512, KeepEnd}},
		{Profile{Name: TRL074, MaxLength: 600}, Profile{TRL074, 600, 512, KeepEnd}},
		{Profile{Name: TRL1, MaxLength: 7, TruncationMode: KeepEnd}, Profile{TRL1, 7, 0, KeepEnd}},
		{Profile{Name: TRL028, MaxLength: 99, MaxPromptLength: 200}, Profile{TRL028, 99, 200, KeepEnd}},
	} {
		if got, err := c.in.Resolve(); err != nil || got != c.want {
			t.Errorf("%+v: %+v, %v; want %+v", c.in, got, err, c.want)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	for _, c := range []struct {
		in   Profile
		want []string
	}{
		{Profile{Name: "trl-2"}, []string{`tokenization: unknown profile "trl-2"; profiles are: trl-0.28, trl-0.7.4, trl-1`}},
		{Profile{MaxPromptLength: 5}, []string{`max_prompt_length: profile "trl-1" has none`}},
		{Profile{TruncationMode: "keep_middle", MaxLength: -1}, []string{`max_length: -1 is negative`, `truncation_mode: unknown mode "keep_middle"`}},
		{Profile{MaxLength: 1}, []string{"max_length: 1 leaves no room"}},
		{Profile{Name: TRL074, MaxLength: 512}, []string{"max_prompt_length: 512 leaves nothing of max_length = 512"}},
	} {
		_, err := c.in.Resolve()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: error %v, want %q", c.in, err, want)
			}
		}
	}
}
