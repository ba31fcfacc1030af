package tokenizer

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// An AddedToken is matched in text before the model sees it (added_tokens of
// tokenizer.json).
type AddedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // only between non-word characters
	LStrip     bool   `json:"lstrip"`      // takes the white space before it
	RStrip     bool   `json:"rstrip"`      // takes the white space after it
	Normalized bool   `json:"normalized"`  // looked for in the normalized text
	Special    bool   `json:"special"`     // left out of decoded text on request
}

// added holds the added tokens and finds them in text.
type added struct {
	tokens     []AddedToken
	next       int32          // the id of the next token that is new
	decoded    []string       // of each token: what the decoder sees
	skipped    []bool         // of each token: whether decoding may leave it out
	byID       map[int32]int  // position in tokens
	byContent  map[string]int // position in tokens
	raw        matcher        // over the text as given
	normalized matcher        // over the normalized text
}

// newAdded checks the tokens' ids against the vocabulary: a token of the
// vocabulary keeps its id, the others follow its end in order. Of two tokens
// that look alike the later one counts.
func newAdded(tokens []AddedToken, m model, normalize func(string) string) (*added, error) {
	a := &added{byID: map[int32]int{}, byContent: map[string]int{}, next: int32(m.size())}
	for _, t := range tokens {
		if t.Content == "" {
			continue
		}
		old, again := a.byContent[t.Content]
		id, known := m.id(t.Content)
		switch {
		case again:
			id = a.tokens[old].ID
		case !known:
			id = a.next
			a.next++
		}
		if id != t.ID {
			return nil, fmt.Errorf("added token %q: its id is %d, but the vocabulary makes it %d; list added tokens in the order of their ids", t.Content, t.ID, id)
		}
		if again {
			a.tokens[old] = t
			continue
		}
		if i, taken := a.byID[id]; taken {
			return nil, fmt.Errorf("added tokens %q and %q have the same id %d", a.tokens[i].Content, t.Content, id)
		}
		a.byID[id] = len(a.tokens)
		a.byContent[t.Content] = len(a.tokens)
		a.tokens = append(a.tokens, t)
	}
	return a, a.index(normalize)
}

// index makes the matchers.
func (a *added) index(normalize func(string) string) error {
	for i, t := range a.tokens {
		find, form := &a.raw, t.Content
		if t.Normalized {
			find, form = &a.normalized, normalize(t.Content)
		}
		if form == "" {
			return fmt.Errorf("added token %q: nothing is left of it when normalized; set normalized to false", t.Content)
		}
		if n, old := find.longest(form); n == len(form) {
			return fmt.Errorf("added tokens %q and %q look alike when normalized", a.tokens[old].Content, t.Content)
		}
		find.add(form, i)
		a.decoded = append(a.decoded, form)
	}
	// The reference asks whether what the decoder sees is a special token's content.
	for _, s := range a.decoded {
		i, ok := a.byContent[s]
		a.skipped = append(a.skipped, ok && a.tokens[i].Special)
	}
	return nil
}

// find appends the cuts of s at m's tokens: parts without a token have id -1.
func (a *added) find(m *matcher, s string, cuts []cut) []cut {
	done := 0
	for from := 0; ; {
		start, end, i := m.next(s, from)
		if i < 0 {
			break
		}
		from = end
		t := &a.tokens[i]
		if t.SingleWord && (endsWithWord(s[:start]) || startsWithWord(s[end:])) {
			continue
		}
		if t.LStrip {
			start = max(trimmedEnd(s[:start]), done)
		}
		if t.RStrip {
			end += leadingSpace(s[end:])
		}
		if done < start {
			cuts = append(cuts, cut{span{done, start}, -1})
		}
		cuts = append(cuts, cut{span{start, end}, t.ID})
		done = end
	}
	if done < len(s) {
		cuts = append(cuts, cut{span{done, len(s)}, -1})
	}
	return cuts
}

// A cut is a part of a text: an added token, or (id -1) something for the model.
type cut struct {
	span
	id int32
}

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

func endsWithWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

// trimmedEnd returns the length of s without the white space at its end.
func trimmedEnd(s string) int {
	for len(s) > 0 {
		r, n := utf8.DecodeLastRuneInString(s)
		if !unicode.IsSpace(r) {
			break
		}
		s = s[:len(s)-n]
	}
	return len(s)
}

// leadingSpace returns the length of the white space s begins with.
func leadingSpace(s string) int {
	for i, r := range s {
		if !unicode.IsSpace(r) {
			return i
		}
	}
	return len(s)
}
