package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A words is a text and its cut into parts that the model sees one by one.
type words struct {
	text
	cuts    []span
	buf     []span // scratch of the next step
	matches []span // scratch
}

// A preTokenizer cuts the words of w further; it may change the text.
type preTokenizer interface {
	cut(w *words)
}

// parsePreTokenizer reads the "pre_tokenizer" of tokenizer.json. bytes reports that
// the words' bytes, and not their characters, are what the model's symbols stand for.
func parsePreTokenizer(raw json.RawMessage) (steps []preTokenizer, bytes bool, err error) {
	c, err := parseComponent(raw)
	if err == nil {
		steps, err = appendPreTokenizer(nil, c)
	}
	if err == nil {
		steps, bytes, err = arrangeBytes(steps)
	}
	if err != nil {
		return nil, false, fmt.Errorf("pre_tokenizer: %w", err)
	}
	return steps, bytes, nil
}

// appendPreTokenizer appends c, sequences flattened.
func appendPreTokenizer(steps []preTokenizer, c component) ([]preTokenizer, error) {
	if c.kind == "" {
		return steps, nil
	}
	if c.kind == "Sequence" {
		var o struct {
			Pretokenizers []json.RawMessage `json:"pretokenizers"`
		}
		if err := c.options(&o); err != nil {
			return nil, err
		}
		for _, raw := range o.Pretokenizers {
			c, err := parseComponent(raw)
			if err == nil {
				steps, err = appendPreTokenizer(steps, c)
			}
			if err != nil {
				return nil, err
			}
		}
		return steps, nil
	}
	p, err := newPreTokenizer(c)
	return append(steps, p), err
}

func newPreTokenizer(c component) (preTokenizer, error) {
	switch c.kind {
	case "ByteLevel":
		return newByteLevel(c)
	case "Metaspace":
		return newMetaspace(c)
	case "Split":
		return newSplit(c)
	case "Digits":
		var o struct {
			Individual bool `json:"individual_digits"`
		}
		err := c.options(&o)
		if o.Individual {
			return &split{find: characters(isNumeric), behavior: isolated}, err
		}
		return &split{find: characters(isNumeric), behavior: contiguous}, err
	case "Punctuation":
		o := struct {
			Behavior string `json:"behavior"`
		}{"Isolated"}
		if err := c.options(&o); err != nil {
			return nil, err
		}
		b, err := parseBehavior(o.Behavior)
		return &split{find: characters(isPunctuation), behavior: b}, err
	case "Whitespace":
		return &split{find: wordsAndSigns{}, behavior: removed, invert: true}, c.options(&struct{}{})
	case "WhitespaceSplit":
		return &split{find: characters(isSpace), behavior: removed}, c.options(&struct{}{})
	}
	return nil, fmt.Errorf("%q is not implemented", c.kind)
}

// byteLevel is GPT-2's: it cuts by patternGPT2 and writes bytes as characters.
// The writing is left out where the model takes bytes.
type byteLevel struct {
	prefixSpace bool
	cutWords    bool
	write       bool
}

func newByteLevel(c component) (preTokenizer, error) {
	o := struct {
		AddPrefixSpace bool `json:"add_prefix_space"`
		TrimOffsets    bool `json:"trim_offsets"` // counts in the post-processor only
		UseRegex       bool `json:"use_regex"`
	}{true, true, true}
	err := c.options(&o)
	return &byteLevel{o.AddPrefixSpace, o.UseRegex, true}, err
}

// arrangeBytes lets the model take the bytes of the words where a ByteLevel ends
// the sequence or only cuts follow it.
func arrangeBytes(steps []preTokenizer) ([]preTokenizer, bool, error) {
	at := -1
	for i, p := range steps {
		switch p := p.(type) {
		case *byteLevel:
			if at >= 0 {
				return nil, false, fmt.Errorf(`a second "ByteLevel" is not implemented`)
			}
			at = i
			p.write = i < len(steps)-1
		case *metaspace:
			if at >= 0 {
				return nil, false, fmt.Errorf(`a "Metaspace" after a "ByteLevel" is not implemented`)
			}
		}
	}
	if at >= 0 && at < len(steps)-1 {
		steps = append(steps, unwriteBytes{})
	}
	return steps, at >= 0, nil
}

func (p *byteLevel) cut(w *words) {
	if p.prefixSpace {
		w.edit(func(part text) text {
			if strings.HasPrefix(part.s, " ") {
				return part
			}
			return part.prepend(" ")
		})
	}
	if p.cutWords {
		w.split(scanner(scanGPT2), isolated, false)
	}
	if p.write {
		w.edit(func(part text) text {
			out := newRewriter(part, 2*len(part.s))
			for i := range len(part.s) {
				out.put(string(byteRune[part.s[i]]), i)
			}
			return out.text()
		})
	}
}

// unwriteBytes ends a sequence in which steps after ByteLevel saw bytes written as
// characters: it gives the model the bytes.
type unwriteBytes struct{}

func (unwriteBytes) cut(w *words) {
	w.edit(func(part text) text {
		b := make([]byte, 0, len(part.s))
		spans := make([]span, 0, len(part.s))
		for i, r := range part.s {
			b = append(b, runeByte[r])
			if part.track {
				spans = append(spans, part.original(i, i+1))
			}
		}
		part.s = string(b)
		if part.track {
			part.spans = spans
		}
		return part
	})
}

// metaspace writes spaces as SentencePiece's mark.
type metaspace struct {
	mark   string
	scheme string // "always", "first" or "never" gets a mark in front
	split  bool
}

func newMetaspace(c component) (preTokenizer, error) {
	o := struct {
		Replacement    string `json:"replacement"`
		PrependScheme  string `json:"prepend_scheme"`
		Split          bool   `json:"split"`
		AddPrefixSpace *bool  `json:"add_prefix_space"` // older files
		StrRep         string `json:"str_rep"`          // older files: replacement again
	}{PrependScheme: "always", Split: true}
	if err := c.options(&o); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(o.Replacement) != 1 {
		return nil, fmt.Errorf(`"Metaspace": replacement %q is not one character`, o.Replacement)
	}
	if o.AddPrefixSpace != nil && !*o.AddPrefixSpace {
		if strings.Contains(string(c.raw), `"prepend_scheme"`) && o.PrependScheme != "never" {
			return nil, fmt.Errorf(`"Metaspace": add_prefix_space is false, but prepend_scheme is %q`, o.PrependScheme)
		}
		o.PrependScheme = "never"
	}
	switch o.PrependScheme {
	case "always", "first", "never":
	default:
		return nil, fmt.Errorf(`"Metaspace": unknown prepend_scheme %q`, o.PrependScheme)
	}
	return &metaspace{o.Replacement, o.PrependScheme, o.Split}, nil
}

func (p *metaspace) cut(w *words) {
	w.edit(func(part text) text {
		first := part.original(0, 1).start == 0
		part = part.replaceByte(' ', p.mark)
		if p.scheme == "always" || p.scheme == "first" && first {
			if !strings.HasPrefix(part.s, p.mark) {
				part = part.prepend(p.mark)
			}
		}
		return part
	})
	if p.split {
		w.split(literal(p.mark), mergedWithNext, false)
	}
}

// edit puts change(part) in the place of each part of w.
func (w *words) edit(change func(text) text) {
	if len(w.cuts) == 1 {
		w.text = change(w.slice(w.cuts[0].start, w.cuts[0].end))
		w.cuts[0] = span{0, len(w.s)}
		return
	}
	var s strings.Builder
	var spans []span
	for i, c := range w.cuts {
		part := change(w.slice(c.start, c.end))
		w.cuts[i] = span{s.Len(), s.Len() + len(part.s)}
		s.WriteString(part.s)
		if w.track {
			spans = append(spans, part.allSpans()...)
		}
	}
	w.s = s.String()
	if w.track {
		w.spans = spans
	}
}

// allSpans returns the span behind each byte of t.s.
func (t text) allSpans() []span {
	if t.spans != nil {
		return t.spans
	}
	w := newRewriter(t, len(t.s))
	w.keep(0, len(t.s))
	return w.spans
}
