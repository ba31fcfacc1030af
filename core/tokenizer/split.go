package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// A behavior says what becomes of the matches a text is split at
// (SplitDelimiterBehavior in Hugging Face's library).
type behavior int

const (
	isolated           behavior = iota // a match is a part
	removed                            // matches are dropped
	contiguous                         // matches that touch are one part
	mergedWithPrevious                 // a match ends the part before it
	mergedWithNext                     // a match begins the part after it
)

func parseBehavior(name string) (behavior, error) {
	switch name {
	case "Isolated":
		return isolated, nil
	case "Removed":
		return removed, nil
	case "Contiguous":
		return contiguous, nil
	case "MergedWithPrevious":
		return mergedWithPrevious, nil
	case "MergedWithNext":
		return mergedWithNext, nil
	}
	return 0, fmt.Errorf("unknown behavior %q", name)
}

// split cuts at what find finds.
type split struct {
	find     finder
	behavior behavior
	invert   bool // what lies between the matches counts as the match
}

func newSplit(c component) (preTokenizer, error) {
	var o struct {
		Pattern  pattern `json:"pattern"`
		Behavior string  `json:"behavior"`
		Invert   bool    `json:"invert"`
	}
	if err := c.options(&o); err != nil {
		return nil, err
	}
	f, err := o.Pattern.finder()
	if err != nil {
		return nil, fmt.Errorf(`"Split": %w`, err)
	}
	b, err := parseBehavior(o.Behavior)
	if err != nil {
		return nil, fmt.Errorf(`"Split": %w`, err)
	}
	return &split{f, b, o.Invert}, nil
}

func (p *split) cut(w *words) { w.split(p.find, p.behavior, p.invert) }

// split cuts each part of w.
func (w *words) split(f finder, b behavior, invert bool) {
	out := w.buf[:0]
	for _, c := range w.cuts {
		w.matches = f.find(w.s[c.start:c.end], w.matches[:0])
		for i := range w.matches {
			w.matches[i].start += c.start
			w.matches[i].end += c.start
		}
		if b == isolated {
			out = isolate(out, w.matches, c)
		} else {
			out = append(out, behave(withGaps(w.matches, c, invert), b)...)
		}
	}
	w.buf, w.cuts = w.cuts, out
}

// isolate appends the matches in c and what lies between them.
func isolate(out, matches []span, c span) []span {
	at := c.start
	for _, m := range matches {
		if at < m.start {
			out = append(out, span{at, m.start})
		}
		if m.start < m.end {
			out = append(out, m)
		}
		at = m.end
	}
	if at < c.end {
		out = append(out, span{at, c.end})
	}
	return out
}

type piece struct {
	span
	match bool
}

// withGaps returns the matches in c and what lies between them.
func withGaps(matches []span, c span, invert bool) []piece {
	pieces := make([]piece, 0, 2*len(matches)+1)
	at := c.start
	for _, m := range matches {
		if at < m.start {
			pieces = append(pieces, piece{span{at, m.start}, invert})
		}
		pieces = append(pieces, piece{m, !invert})
		at = m.end
	}
	if at < c.end {
		pieces = append(pieces, piece{span{at, c.end}, invert})
	}
	return pieces
}

// behave applies b to the pieces of one part and leaves out empty parts.
func behave(pieces []piece, b behavior) []span {
	var out []span
	matched := false // the piece before was a match
	for i, p := range pieces {
		join := false
		switch b { // isolated is isolate's
		case removed:
			if p.match {
				continue
			}
		case contiguous:
			join = p.match == matched && len(out) > 0
		case mergedWithPrevious:
			join = p.match && !matched && len(out) > 0
		case mergedWithNext:
			// seen from the end, as the reference does: of several matches
			// in a row only the last joins what follows
			join = i > 0 && pieces[i-1].match && !p.match
		}
		matched = p.match
		if join {
			out[len(out)-1].end = p.end
			continue
		}
		out = append(out, p.span)
	}
	return dropEmpty(out)
}

func dropEmpty(parts []span) []span {
	out := parts[:0]
	for _, p := range parts {
		if p.start < p.end {
			out = append(out, p)
		}
	}
	return out
}

// characters finds each character that it holds for.
type characters func(rune) bool

func (is characters) find(s string, matches []span) []span {
	for i, r := range s {
		if is(r) {
			matches = append(matches, span{i, i + utf8.RuneLen(r)})
		}
	}
	return matches
}

// wordsAndSigns finds \w+|[^\w\s]+.
type wordsAndSigns struct{}

func (wordsAndSigns) find(s string, matches []span) []span {
	kind := func(r rune) int {
		switch {
		case isWord(r):
			return 1
		case isSpace(r):
			return 0
		}
		return 2
	}
	last := 0
	for i, r := range s {
		k := kind(r)
		if k != 0 && k == last {
			matches[len(matches)-1].end = i + utf8.RuneLen(r)
		} else if k != 0 {
			matches = append(matches, span{i, i + utf8.RuneLen(r)})
		}
		last = k
	}
	return matches
}
