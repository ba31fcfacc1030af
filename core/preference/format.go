package preference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// example is what a format makes of a row: one of plain, conversation and
// tokens.
type example interface{ isExample() }

// plain is a pair of texts that are to be tokenised as they stand.
type plain struct {
	prompt, chosen, rejected string
}

// conversation is a pair of continuations of one dialogue, to be rendered by the
// chat template.
type conversation struct {
	prompt, chosen, rejected []message
	tools                    any            // the template's tools
	extra                    map[string]any // more variables for the template
}

// tokens is a pair of token ids, to be used exactly as given.
type tokens struct {
	prompt, chosen, rejected []int32
}

func (plain) isExample()        {}
func (conversation) isExample() {}
func (tokens) isExample()       {}

// errTie marks a row whose votes name no preferred completion.
var errTie = errors.New("the votes are tied")

// errNoPrompt marks a row whose dialogues share no turn.
var errNoPrompt = errors.New("chosen and rejected share no prompt")

// target is what a format may need to know of the model.
type target struct {
	chat       bool // there is a chat template
	vocabulary int  // number of token ids
}

// format is a layout of rows. Formats that hold one question and two answers as
// text become conversations where the model has a chat template, and plain text
// where it has none.
type format struct {
	name       string
	layout     string // the fields, for people
	recognises func(f fields) bool
	parse      func(f fields, t target) (example, error)
}

// formats are tried in this order; the most specific come first.
var formats = []format{
	tokenIDs, orca, llamaFactory, pandaLM, hhRLHF, ultraFeedback, trl,
}

// Formats returns the names that a source's format may have.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// findFormat returns the format called name, or the one that recognises the
// row where name is empty.
func findFormat(name string, first fields) (format, error) {
	if name == "" {
		return recognise(first)
	}
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if i < 0 {
		return format{}, fmt.Errorf("unknown format %q; formats are: %s", name, strings.Join(Formats(), ", "))
	}
	return formats[i], nil
}

func recognise(first fields) (format, error) {
	for _, f := range formats {
		if f.recognises(first) {
			return f, nil
		}
	}
	var known strings.Builder
	for _, f := range formats {
		fmt.Fprintf(&known, "\n  %-14s %s", f.name, f.layout)
	}
	return format{}, fmt.Errorf("no known format of preference data has the fields %s; known are:%s", first.names(), known.String())
}
