package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A normalizer changes the text before it is cut.
type normalizer interface {
	normalize(t text) text
}

// parseNormalizer reads the "normalizer" of tokenizer.json; null gives nil.
func parseNormalizer(raw json.RawMessage) (normalizer, error) {
	c, err := parseComponent(raw)
	if err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	n, err := newNormalizer(c)
	if err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	return n, nil
}

func newNormalizer(c component) (normalizer, error) {
	var none struct{}
	switch c.kind {
	case "":
		return nil, nil
	case "NFC", "NFD", "NFKC", "NFKD":
		return form{compose: strings.HasSuffix(c.kind, "C"), compatible: c.kind[2] == 'K'}, c.options(&none)
	case "Lowercase":
		return lowercase{}, c.options(&none)
	case "StripAccents":
		return stripAccents{}, c.options(&none)
	case "Strip":
		n := new(strip)
		return n, c.options(n)
	case "Prepend":
		n := new(prepend)
		return n, c.options(n)
	case "Replace":
		return newReplace(c)
	case "Sequence":
		return newNormalizers(c)
	}
	return nil, fmt.Errorf("%q is not implemented", c.kind)
}

type normalizers []normalizer

func newNormalizers(c component) (normalizer, error) {
	var o struct {
		Normalizers []json.RawMessage `json:"normalizers"`
	}
	if err := c.options(&o); err != nil {
		return nil, err
	}
	var seq normalizers
	for _, raw := range o.Normalizers {
		c, err := parseComponent(raw)
		if err != nil {
			return nil, err
		}
		n, err := newNormalizer(c)
		if err != nil {
			return nil, err
		}
		if n != nil {
			seq = append(seq, n)
		}
	}
	return seq, nil
}

func (seq normalizers) normalize(t text) text {
	for _, n := range seq {
		t = n.normalize(t)
	}
	return t
}

type prepend struct {
	Prepend string `json:"prepend"`
}

func (n *prepend) normalize(t text) text { return t.prepend(n.Prepend) }

// replace puts content in the place of each match.
type replace struct {
	find    finder
	content string
}

func newReplace(c component) (normalizer, error) {
	var o struct {
		Pattern pattern `json:"pattern"`
		Content string  `json:"content"`
	}
	if err := c.options(&o); err != nil {
		return nil, err
	}
	f, err := o.Pattern.finder()
	if err != nil {
		return nil, fmt.Errorf(`"Replace": %w`, err)
	}
	return replace{f, o.Content}, nil
}

func (n replace) normalize(t text) text {
	if one, ok := n.find.(literal); ok && len(one) == 1 {
		return t.replaceByte(one[0], n.content)
	}
	matches := n.find.find(t.s, nil)
	if len(matches) == 0 {
		return t
	}
	w := newRewriter(t, len(t.s)+len(matches)*len(n.content))
	done := 0
	for _, m := range matches {
		w.keep(done, m.start)
		w.put(n.content, m.end-1)
		done = m.end
	}
	w.keep(done, len(t.s))
	return w.text()
}

// lowercase maps each character by Unicode's unconditional full mapping.
type lowercase struct{}

func (lowercase) normalize(t text) text {
	w := newRewriter(t, len(t.s))
	for i, r := range t.s {
		switch low := toLower(r); {
		case r == 'İ': // the only character whose lower case is two
			w.put("i̇", i)
		case low == r:
			w.keep(i, i+utf8.RuneLen(r))
		default:
			w.put(string(low), i)
		}
	}
	return w.text()
}

// strip removes white space at the ends.
type strip struct {
	Left  bool `json:"strip_left"`
	Right bool `json:"strip_right"`
}

func (n *strip) normalize(t text) text {
	start, end := 0, len(t.s)
	if n.Left {
		start = leadingSpace(t.s)
	}
	if n.Right {
		end = max(start, trimmedEnd(t.s))
	}
	return t.slice(start, end)
}

// stripAccents removes combining marks.
type stripAccents struct{}

func (stripAccents) normalize(t text) text {
	if strings.IndexFunc(t.s, isMark) < 0 {
		return t
	}
	w := newRewriter(t, len(t.s))
	for i, r := range t.s {
		if !isMark(r) {
			w.keep(i, i+utf8.RuneLen(r))
		}
	}
	return w.text()
}
