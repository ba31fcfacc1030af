package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A cutter cuts a word that no pre-tokenizer cut, such as a whole text of Llama-2,
// before the mark of a space, so that the parts can be remembered. The cut changes
// nothing where no merge reaches over it: that is checked once, when a model is made.
type cutter struct{ mark string }

// spaceMark is U+2581, which SentencePiece writes for a space.
const spaceMark = "▁"

func newCutter(m *bpe) cutter {
	_, isSymbol := m.ids[spaceMark]
	vanish := m.unk < 0 && m.fallback == nil // which moves the offsets of all that follows
	if m.bytes || m.prefix != "" || m.suffix != "" || m.whole != nil || vanish || !isSymbol {
		return cutter{}
	}
	for _, id := range m.merged {
		if holdsInnerMark(m.tokens[id]) {
			return cutter{}
		}
	}
	return cutter{spaceMark}
}

// holdsInnerMark reports whether a mark follows another character in s.
func holdsInnerMark(s string) bool {
	s = strings.TrimLeft(s, spaceMark)
	return strings.Contains(s, spaceMark)
}

// next returns the length of the first part of word.
func (c cutter) next(word string) int {
	if c.mark == "" {
		return len(word)
	}
	n := 0
	for strings.HasPrefix(word[n:], c.mark) {
		n += len(c.mark)
	}
	if n == len(word) {
		return n
	}
	_, first := utf8.DecodeRuneInString(word[n:])
	n += first
	if i := strings.Index(word[n:], c.mark); i >= 0 {
		return n + i
	}
	return len(word)
}
