package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// The patterns that scanners know, as tokenizer.json spells them.
const (
	patternGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternCL100k = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`
	patternGPT4   = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`
)

// scanners find what a pattern finds, several times as fast. These patterns cover
// any text without gaps.
var scanners = map[string]finder{
	patternGPT2:   scanner(scanGPT2),
	patternLlama3: scanner(func(s string) int { return scanGPT4(s, 3) }),
	patternQwen2:  scanner(func(s string) int { return scanGPT4(s, 1) }),
	patternCL100k: scanner(func(s string) int { return scanGPT4(s, 3) }),
	patternGPT4:   scanner(func(s string) int { return scanGPT4(s, 3) }),
}

// A scanner returns the length of the match that s, which is not empty, begins with.
type scanner func(s string) int

func (f scanner) find(s string, matches []span) []span {
	for at := 0; at < len(s); {
		n := f(s[at:])
		matches = append(matches, span{at, at + n})
		at += n
	}
	return matches
}

// scanGPT2 matches patternGPT2.
func scanGPT2(s string) int {
	if s[0] == '\'' {
		if n := contraction(s, false); n > 0 {
			return n
		}
	}
	at := 0
	c, n := classAt(s)
	if s[0] == ' ' && len(s) > 1 {
		if next, m := classAt(s[1:]); next != space {
			at, c, n = 1, next, m
		}
	}
	if c == space {
		return scanSpace(s, false)
	}
	at += n
	return at + run(s[at:], c)
}

// scanGPT4 matches patternLlama3 and its kin, with digits in groups of at most group.
func scanGPT4(s string, group int) int {
	if s[0] == '\'' {
		if n := contraction(s, true); n > 0 {
			return n
		}
	}
	c, n := classAt(s)
	switch {
	case c == letter:
		return n + run(s[n:], letter)
	case c == number:
		return n + scanNumber(s[n:], group-1)
	case s[0] == '\r' || s[0] == '\n':
		return scanSpace(s, true)
	}
	if n < len(s) {
		next, m := classAt(s[n:])
		if next == letter {
			return n + m + run(s[n+m:], letter)
		}
		if s[0] == ' ' && next == other {
			c, n = other, 1+m
		}
	}
	if c == space {
		return scanSpace(s, true)
	}
	n += run(s[n:], other)
	for n < len(s) && (s[n] == '\r' || s[n] == '\n') {
		n++
	}
	return n
}

// scanNumber returns the length of at most max numbers at the start of s.
func scanNumber(s string, max int) int {
	n := 0
	for ; max > 0 && n < len(s); max-- {
		c, m := classAt(s[n:])
		if c != number {
			break
		}
		n += m
	}
	return n
}

// scanSpace matches \s*[\r\n]+ (where lines count), \s+(?!\S) or \s+.
func scanSpace(s string, lines bool) int {
	n, last, newline := 0, 0, 0
	for n < len(s) {
		c, m := classAt(s[n:])
		if c != space {
			break
		}
		if s[n] == '\r' || s[n] == '\n' {
			newline = n + 1
		}
		last = n
		n += m
	}
	switch {
	case lines && newline > 0:
		return newline
	case n < len(s) && last > 0:
		return last // the last one goes with what follows
	}
	return n
}

// contraction returns the length of an English ending such as 'll or 0. Case
// is folded as Unicode does, under which U+017F is an s.
func contraction(s string, fold bool) int {
	if len(s) < 2 {
		return 0
	}
	a, b := s[1], byte(0)
	if len(s) > 2 {
		b = s[2]
	}
	if fold {
		if len(s) > 2 && s[1:3] == "ſ" {
			return 3
		}
		a, b = a|0x20, b|0x20
	}
	switch a {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if b == 'e' {
			return 3
		}
	case 'l':
		if b == 'l' {
			return 3
		}
	}
	return 0
}

// run returns the length of the run of class c that s begins with.
func run(s string, c class8) int {
	n := 0
	for n < len(s) {
		if b := s[n]; b < utf8.RuneSelf {
			if asciiClass[b] != c {
				break
			}
			n++
			continue
		}
		next, m := classAt(s[n:])
		if next != c {
			break
		}
		n += m
	}
	return n
}

// class8 is a character's part in the patterns.
type class8 uint8

const (
	other  class8 = iota
	letter        // \p{L}
	number        // \p{N}
	space         // \s
)

// classAt returns the class and length of the first character of s.
func classAt(s string) (class8, int) {
	if b := s[0]; b < utf8.RuneSelf {
		return asciiClass[b], 1
	}
	r, n := utf8.DecodeRuneInString(s)
	return wideClass()[r], n
}

var asciiClass = func() (t [utf8.RuneSelf]class8) {
	for r := range t {
		switch {
		case 'a' <= r|0x20 && r|0x20 <= 'z':
			t[r] = letter
		case '0' <= r && r <= '9':
			t[r] = number
		case isSpace(rune(r)):
			t[r] = space
		}
	}
	return t
}()

// wideClass returns the table of all characters' classes.
var wideClass = sync.OnceValue(func() *[unicode.MaxRune + 1]class8 {
	t := new([unicode.MaxRune + 1]class8)
	fill := func(s charSet, c class8) {
		for _, x := range s {
			for r := x.first; r <= x.last; r++ {
				t[r] = c
			}
		}
	}
	fill(letters(), letter)
	fill(numbers(), number)
	for r := range rune(0x3001) { // no white space lies above
		if isSpace(r) {
			t[r] = space
		}
	}
	return t
})
