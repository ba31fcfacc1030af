package tokenizer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A decodeStep changes the tokens on their way to text.
type decodeStep interface {
	decode(tokens []string) []string
}

// parseDecoder reads the "decoder" of tokenizer.json, sequences flattened; null
// gives nil.
func parseDecoder(raw json.RawMessage) ([]decodeStep, error) {
	c, err := parseComponent(raw)
	var steps []decodeStep
	if err == nil {
		steps, err = appendDecoder(nil, c)
	}
	if err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	return steps, nil
}

func appendDecoder(steps []decodeStep, c component) ([]decodeStep, error) {
	if c.kind == "" {
		return steps, nil
	}
	if c.kind != "Sequence" {
		s, err := newDecodeStep(c)
		return append(steps, s), err
	}
	var o struct {
		Decoders []json.RawMessage `json:"decoders"`
	}
	if err := c.options(&o); err != nil {
		return nil, err
	}
	if len(o.Decoders) == 0 {
		return append(steps, fuse{}), nil // an empty sequence joins without spaces
	}
	for _, raw := range o.Decoders {
		c, err := parseComponent(raw)
		if err == nil {
			steps, err = appendDecoder(steps, c)
		}
		if err != nil {
			return nil, err
		}
	}
	return steps, nil
}

func newDecodeStep(c component) (decodeStep, error) {
	var none struct{}
	switch c.kind {
	case "ByteLevel":
		var o struct { // all three count in the pre-tokenizer only
			AddPrefixSpace bool `json:"add_prefix_space"`
			TrimOffsets    bool `json:"trim_offsets"`
			UseRegex       bool `json:"use_regex"`
		}
		return decodeBytes{}, c.options(&o)
	case "ByteFallback":
		return decodeFallback{}, c.options(&none)
	case "Fuse":
		return fuse{}, c.options(&none)
	case "Metaspace":
		m, err := newMetaspace(c)
		if err != nil {
			return nil, err
		}
		return decodeMetaspace{m.(*metaspace)}, nil
	case "Replace":
		r, err := newReplace(c)
		if err != nil {
			return nil, err
		}
		return decodeReplace{r}, nil
	case "Strip":
		s := new(decodeStrip)
		if err := c.options(s); err != nil {
			return nil, err
		}
		if utf8.RuneCountInString(s.Content) != 1 || s.Start < 0 || s.Stop < 0 {
			return nil, fmt.Errorf(`"Strip": content %q must be one character, start and stop not negative`, s.Content)
		}
		return s, nil
	case "BPEDecoder":
		s := new(decodeSuffix)
		return s, c.options(s)
	}
	return nil, fmt.Errorf("%q is not implemented", c.kind)
}

// decodeBytes reads characters as bytes; a token with other characters is text.
type decodeBytes struct{}

func (decodeBytes) decode(tokens []string) []string {
	var b strings.Builder
	for _, s := range tokens {
		if raw, ok := toBytes(s); ok {
			s = raw
		}
		b.WriteString(s)
	}
	return []string{validUTF8(text{s: b.String()}).s}
}

// decodeFallback reads runs of <0x41> as bytes; a run that is not valid UTF-8 gives
// U+FFFD for each byte.
type decodeFallback struct{}

func (decodeFallback) decode(tokens []string) []string {
	var out []string
	var run []byte
	flush := func() {
		switch {
		case len(run) == 0:
		case utf8.Valid(run):
			out = append(out, string(run))
		default:
			for range run {
				out = append(out, "\uFFFD")
			}
		}
		run = run[:0]
	}
	for _, s := range tokens {
		if b, ok := fallbackByte(s); ok {
			run = append(run, b)
			continue
		}
		flush()
		out = append(out, s)
	}
	flush()
	return out
}

func fallbackByte(s string) (byte, bool) {
	if len(s) != 6 || !strings.HasPrefix(s, "<0x") || s[5] != '>' {
		return 0, false
	}
	b, err := strconv.ParseUint(s[3:5], 16, 8)
	return byte(b), err == nil
}

// fuse joins all tokens.
type fuse struct{}

func (fuse) decode(tokens []string) []string { return []string{strings.Join(tokens, "")} }

// decodeMetaspace reads marks as spaces, and the first token's as nothing where the
// pre-tokenizer puts one in front.
type decodeMetaspace struct{ *metaspace }

func (d decodeMetaspace) decode(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, s := range tokens {
		with := " "
		if i == 0 && d.scheme != "never" {
			with = ""
		}
		out[i] = strings.ReplaceAll(s, d.mark, with)
	}
	return out
}

type decodeReplace struct{ normalizer }

func (d decodeReplace) decode(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, s := range tokens {
		out[i] = d.normalize(text{s: s}).s
	}
	return out
}

// decodeStrip takes at most Start characters Content from the left of each token and
// Stop from the right.
type decodeStrip struct {
	Content string `json:"content"`
	Start   int    `json:"start"`
	Stop    int    `json:"stop"`
}

func (d *decodeStrip) decode(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, s := range tokens {
		for n := 0; n < d.Start && strings.HasPrefix(s, d.Content); n++ {
			s = s[len(d.Content):]
		}
		for n := 0; n < d.Stop && strings.HasSuffix(s, d.Content); n++ {
			s = s[:len(s)-len(d.Content)]
		}
		out[i] = s
	}
	return out
}

// decodeSuffix reads the suffix that ends a word as a space, or nothing at the end.
type decodeSuffix struct {
	Suffix string `json:"suffix"`
}

func (d *decodeSuffix) decode(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, s := range tokens {
		with := " "
		if i == len(tokens)-1 {
			with = ""
		}
		out[i] = strings.ReplaceAll(s, d.Suffix, with)
	}
	return out
}

// Decode returns the text of ids, without special tokens where skipSpecial is set.
// Ids out of the vocabulary are left out.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if i, ok := t.added.byID[id]; !ok {
			if s, ok := t.model.token(id); ok {
				tokens = append(tokens, s)
			}
		} else if !skipSpecial || !t.added.skipped[i] {
			tokens = append(tokens, t.added.decoded[i])
		}
	}
	if t.decoder == nil {
		return strings.Join(tokens, " ")
	}
	if len(tokens) == 0 {
		return ""
	}
	for _, d := range t.decoder {
		tokens = d.decode(tokens)
	}
	return strings.Join(tokens, "")
}
