package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A frame is what the post-processor puts before and after the ids of one text, and
// how it trims their offsets.
type frame struct {
	before, after []int32
	trim          []trim
}

// A trim takes the spaces at a token's ends out of its offsets.
type trim struct {
	prefixSpace bool // a space in front may be the pre-tokenizer's
	before      int  // special tokens put in front by then
}

// parseFrame reads the "post_processor" of tokenizer.json.
func parseFrame(raw json.RawMessage) (frame, error) {
	var f frame
	c, err := parseComponent(raw)
	if err == nil {
		err = f.add(c)
	}
	if err != nil {
		return f, fmt.Errorf("post_processor: %w", err)
	}
	return f, nil
}

func (f *frame) add(c component) error {
	switch c.kind {
	case "":
		return nil
	case "ByteLevel":
		o := struct {
			AddPrefixSpace bool `json:"add_prefix_space"`
			TrimOffsets    bool `json:"trim_offsets"`
			UseRegex       bool `json:"use_regex"` // counts in the pre-tokenizer only
		}{true, true, true}
		if err := c.options(&o); err != nil {
			return err
		}
		if o.TrimOffsets {
			f.trim = append(f.trim, trim{o.AddPrefixSpace, len(f.before)})
		}
		return nil
	case "TemplateProcessing":
		return f.addTemplate(c)
	case "Sequence":
		var o struct {
			Processors []json.RawMessage `json:"processors"`
		}
		if err := c.options(&o); err != nil {
			return err
		}
		for _, raw := range o.Processors {
			c, err := parseComponent(raw)
			if err == nil {
				err = f.add(c)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%q is not implemented", c.kind)
}

// A templatePiece is {"SpecialToken": {"id": name}} or {"Sequence": {"id": "A"}}.
type templatePiece struct {
	SpecialToken *struct {
		ID     string `json:"id"`
		TypeID int    `json:"type_id"`
	}
	Sequence *struct {
		ID     string `json:"id"`
		TypeID int    `json:"type_id"`
	}
}

func (f *frame) addTemplate(c component) error {
	var o struct {
		Single        []templatePiece `json:"single"`
		Pair          json.RawMessage `json:"pair"` // for two texts: not ours
		SpecialTokens map[string]struct {
			ID     string   `json:"id"`
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
	}
	if err := c.options(&o); err != nil {
		return err
	}
	var before, after []int32
	seen := false
	for _, p := range o.Single {
		switch {
		case p.Sequence != nil && p.Sequence.ID == "A" && !seen:
			seen = true
		case p.SpecialToken != nil:
			special, ok := o.SpecialTokens[p.SpecialToken.ID]
			if !ok {
				return fmt.Errorf(`"TemplateProcessing": special token %q is not in special_tokens`, p.SpecialToken.ID)
			}
			if seen {
				after = append(after, special.IDs...)
			} else {
				before = append(before, special.IDs...)
			}
		default:
			return fmt.Errorf(`"TemplateProcessing": the single template must hold $A once`)
		}
	}
	if !seen {
		return fmt.Errorf(`"TemplateProcessing": the single template must hold $A once`)
	}
	f.before = append(before, f.before...)
	f.after = append(f.after, after...)
	return nil
}

// ids returns the tokens' ids in their frame.
func (f *frame) ids(tokens []token, addSpecial bool) []int32 {
	out := make([]int32, 0, len(f.before)+len(tokens)+len(f.after))
	if addSpecial {
		out = append(out, f.before...)
	}
	for _, k := range tokens {
		out = append(out, k.id)
	}
	if addSpecial {
		out = append(out, f.after...)
	}
	return out
}

// offsets returns the spans in their frame.
func (f *frame) offsets(spans []span, addSpecial bool) [][2]int {
	out := make([][2]int, 0, len(f.before)+len(spans)+len(f.after))
	if addSpecial {
		out = append(out, make([][2]int, len(f.before))...)
	}
	for _, s := range spans {
		out = append(out, [2]int{s.start, s.end})
	}
	if addSpecial {
		out = append(out, make([][2]int, len(f.after))...)
	}
	return out
}

// trimOffsets takes the spaces that the tokens' spellings show out of the spans
// (process_offsets of the reference's ByteLevel). s is the text.
func (f *frame) trimOffsets(s string, t *trace) {
	for _, how := range f.trim {
		for i, spelling := range t.spellings {
			lead := len(spelling) - len(strings.TrimLeftFunc(spelling, isBlank))
			lead = utf8.RuneCountInString(spelling[:lead])
			trail := len(strings.TrimRightFunc(spelling, isBlank))
			trail = utf8.RuneCountInString(spelling[trail:])
			p := &t.spans[i]
			if first := i+how.before == 0 || p.start == 0; first && how.prefixSpace && lead == 1 {
				lead = 0
			}
			for ; lead > 0 && p.start < p.end; lead-- {
				_, n := utf8.DecodeRuneInString(s[p.start:])
				p.start += n
			}
			if trail > utf8.RuneCountInString(s[:p.end]) {
				continue
			}
			for ; trail > 0 && p.end > p.start; trail-- {
				_, n := utf8.DecodeLastRuneInString(s[:p.end])
				p.end -= n
			}
		}
	}
}

// isBlank reports whether r is white space or stands for the byte of a space.
func isBlank(r rune) bool { return r == byteRune[' '] || isSpace(r) }
