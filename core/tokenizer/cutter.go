package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A cutter cuts a word that no pre-tokenizer cut, such as a whole text of Llama-2,
// so that the parts are short and can be remembered. A cut between two characters
// changes nothing where no merge can make a token that holds both side by side: that
// is found out once, when a model is made.
type cutter struct {
	marks bool // a mark after another character may be cut off
	pairs map[[2]rune]bool
	ascii *[utf8.RuneSelf][utf8.RuneSelf]bool // pairs of ASCII; nil: cut at marks only
}

// spaceMark is U+2581, which SentencePiece writes for a space.
const (
	spaceMark = "▁"
	markRune  = '▁'
)

func newCutter(m *bpe) cutter {
	vanish := m.unk < 0 && m.fallback == nil // which moves the offsets of all that follows
	if m.bytes || m.prefix != "" || m.suffix != "" || m.whole != nil || vanish {
		return cutter{}
	}
	_, isSymbol := m.ids[spaceMark]
	c := cutter{marks: isSymbol, pairs: map[[2]rune]bool{}}
	for _, id := range m.merged {
		last := rune(-1)
		for _, r := range m.tokens[id] {
			if last >= 0 {
				c.pairs[[2]rune{last, r}] = true
				c.marks = c.marks && (r != markRune || last == markRune)
			}
			last = r
		}
	}
	if m.fallsBackAlone() {
		c.ascii = new([utf8.RuneSelf][utf8.RuneSelf]bool)
		for p := range c.pairs {
			if p[0] < utf8.RuneSelf && p[1] < utf8.RuneSelf {
				c.ascii[p[0]][p[1]] = true
			}
		}
	}
	return c
}

// fallsBackAlone reports whether every unknown character becomes its bytes and these
// merge with nothing, so that it can be cut off.
func (m *bpe) fallsBackAlone() bool {
	if m.fallback == nil || slices.Contains(m.fallback, -1) {
		return false
	}
	isByte := make(map[int32]bool, len(m.fallback))
	for _, id := range m.fallback {
		isByte[id] = true
	}
	for _, s := range m.pairs.slots {
		if a, b := s.ids(); s.pair != 0 && (isByte[a] || isByte[b]) {
			return false
		}
	}
	return true
}

// next returns the length of the first part of word.
func (c *cutter) next(word string) int {
	switch {
	case c.ascii != nil:
		return c.nextPair(word)
	case c.marks:
		return nextMark(word)
	}
	return len(word)
}

// nextPair cuts between any two characters that cannot join.
func (c *cutter) nextPair(word string) int {
	last, n := utf8.DecodeRuneInString(word)
	for n < len(word) {
		r, size := rune(word[n]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(word[n:])
		}
		if !c.join(last, r) {
			break
		}
		last = r
		n += size
	}
	return n
}

// join reports whether a and b may become part of one token. After a mark the answer
// is always yes, which costs nothing.
func (c *cutter) join(a, b rune) bool {
	switch {
	case a|b < utf8.RuneSelf:
		return c.ascii[a][b]
	case a == markRune:
		return true
	case b == markRune:
		return !c.marks
	}
	return c.pairs[[2]rune{a, b}]
}

// nextMark cuts before marks that follow another character.
func nextMark(word string) int {
	n := 0
	for strings.HasPrefix(word[n:], spaceMark) {
		n += len(spaceMark)
	}
	if n == len(word) {
		return n
	}
	_, first := utf8.DecodeRuneInString(word[n:])
	n += first
	if i := strings.Index(word[n:], spaceMark); i >= 0 {
		return n + i
	}
	return len(word)
}
