package coretest

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

func TestEncode(t *testing.T) {
	s := NewScorer(NewModel(Vocab, 4, 1), 8)
	item := func(prompt string, completions ...string) core.Item {
		out := core.Item{Prompt: byteIDs(prompt)}
		for _, c := range completions {
			out.Completions = append(out.Completions, byteIDs(c))
		}
		return out
	}
	for _, c := range []struct {
		name string
		text core.Text
		want core.Encoded
	}{
		{"white space moves to the completion", core.Text{Prompt: "ab ", Completions: []string{"c", "de"}},
			core.Encoded{Prompt: "ab ", Items: []core.Item{item("ab", " c", " de")}}},
		{"an empty prompt is BOS", core.Text{Completions: []string{"c"}},
			core.Encoded{Items: []core.Item{{Prompt: []int32{BOS}, Completions: [][]int32{{'c'}}}}}},
		{"the prompt loses its left", core.Text{Prompt: "abcdef", Completions: []string{"gh", "ijklm"}},
			core.Encoded{Prompt: "abcdef", Truncated: 1, Items: []core.Item{item("abcdef", "gh"), item("cdef", "ijklm")}}},
		{"messages", core.Text{Messages: []core.Message{{Role: "u", Content: "?"}}, Completions: []string{"!"}},
			core.Encoded{Prompt: "u: ?\nassistant:", Truncated: 1, Items: []core.Item{item("sistant:", "!")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := s.Encode(t.Context(), []core.Text{c.text}, core.EncodeRules{})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got[0], c.want) {
				t.Errorf("got %+v, want %+v", got[0], c.want)
			}
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	s := NewScorer(NewModel(Vocab, 4, 1), 8)
	for want, call := range map[string]struct {
		text  core.Text
		rules core.EncodeRules
	}{
		"do not fit":       {core.Text{Prompt: "abcdef", Completions: []string{"ghi", "jklm"}}, core.EncodeRules{NoTruncation: true}},
		"do not fit into":  {core.Text{Prompt: "a", Completions: []string{"123456789"}}, core.EncodeRules{}},
		"is empty":         {core.Text{Prompt: "a", Completions: []string{""}}, core.EncodeRules{}},
		"unknown BOS rule": {core.Text{Prompt: "a", Completions: []string{"b"}}, core.EncodeRules{BOS: "always"}},
	} {
		_, err := s.Encode(t.Context(), []core.Text{call.text}, call.rules)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
