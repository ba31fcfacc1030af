package preference

import (
	"reflect"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

func TestContaminations(t *testing.T) {
	source := func(name string, prompts ...string) core.Source {
		s := core.Source{Name: name}
		for _, p := range prompts {
			s.Pairs = append(s.Pairs, core.Pair{Prompt: p})
		}
		return s
	}
	sources := []core.Source{
		source("chat",
			"<|im_start|>user\nTell me: what happens if you eat watermelon seeds?<|im_end|>",
			"WHAT HAPPENS, IF YOU EAT WATERMELON SEEDS",
			"Why is it?",
			"What happens if you eat watermelon seeds? What happens if you eat watermelon seeds? Who was the first man on the moon?"),
		source("clean",
			"What happens if you eat melons?",
			"what happens if you eat watermelon",
			"Why is it? I ask.",
			""),
	}
	questions := []core.Question{
		{Task: "truth", Text: "What happens if you eat watermelon seeds?"},
		{Task: "short", Text: "Why is it?"},
		{Task: "short", Text: "?"},
		{Task: "short", Text: ""},
		{Task: "moon", Text: "Who was the first man on the Moon?"},
		{Task: "truth", Text: "Who was the first man on the Moon?"},
	}
	want := []Contamination{{"chat", "moon", 1}, {"chat", "short", 1}, {"chat", "truth", 3}}
	if got := Contaminations(sources, questions); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
