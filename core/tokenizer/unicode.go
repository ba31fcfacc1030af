package tokenizer

import (
	_ "embed"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// unicodeTxt holds the character sets of Hugging Face's library, a line each: a name
// and ranges of code points. The library's parts follow Unicode 7 to 17, and Go's
// tables one version of their own, so neither can stand for the other.
// testdata/make_unicode.py writes it.
//
//go:embed unicode.txt
var unicodeTxt string

// A charSet is a set of characters as sorted ranges.
type charSet []charRange

type charRange struct{ first, last rune }

// has reports whether r is in the set.
func (s charSet) has(r rune) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].last >= r })
	return i < len(s) && s[i].first <= r
}

// unicodeSets returns the sets by name, and the lower-case letters by letter.
var unicodeSets = sync.OnceValue(func() (sets struct {
	sets  map[string]charSet
	lower map[rune]rune
}) {
	sets.sets = map[string]charSet{}
	sets.lower = map[rune]rune{}
	for line := range strings.Lines(unicodeTxt) {
		fields := strings.Fields(line)
		name := fields[0]
		for _, f := range fields[1:] {
			if from, to, ok := strings.Cut(f, ":"); ok {
				sets.lower[hexRune(from)] = hexRune(to)
				continue
			}
			first, last, ok := strings.Cut(f, "-")
			if !ok {
				last = first
			}
			sets.sets[name] = append(sets.sets[name], charRange{hexRune(first), hexRune(last)})
		}
	}
	return sets
})

// hexRune reads a number of unicodeTxt.
func hexRune(s string) rune {
	r, err := strconv.ParseUint(s, 16, 21)
	if err != nil {
		panic(fmt.Sprintf("unicode.txt: %v", err)) // the file is ours
	}
	return rune(r)
}

// lazySet returns a set of unicodeTxt, read when it is first used.
func lazySet(name string) func() charSet {
	return sync.OnceValue(func() charSet { return unicodeSets().sets[name] })
}

var (
	letters      = lazySet("L")
	numbers      = lazySet("N")
	punctuation  = lazySet("punctuation")
	wordChars    = lazySet("word")
	marks        = lazySet("mark")
	decomposable = lazySet("decomposes")
)

// isSpace is Unicode's White_Space, which has not changed for long.
func isSpace(r rune) bool { return unicode.IsSpace(r) }

// isNumeric is Rust's char::is_numeric, where Digits cuts.
func isNumeric(r rune) bool {
	if r < utf8.RuneSelf {
		return '0' <= r && r <= '9'
	}
	return numericBits()[r/64]>>(r%64)&1 != 0
}

// numericBits has a bit for each character, since Digits asks about all of a text's.
var numericBits = sync.OnceValue(func() *[(unicode.MaxRune + 1) / 64]uint64 {
	bits := new([(unicode.MaxRune + 1) / 64]uint64)
	for _, s := range unicodeSets().sets["numeric"] {
		for r := s.first; r <= s.last; r++ {
			bits[r/64] |= 1 << (r % 64)
		}
	}
	return bits
})

// isPunctuation is where Punctuation cuts.
func isPunctuation(r rune) bool { return punctuation().has(r) }

// isWord is Rust's \w, which single_word and Whitespace ask.
func isWord(r rune) bool { return wordChars().has(r) }

// isMark is what StripAccents takes away.
func isMark(r rune) bool { return marks().has(r) }

// toLower returns the lower case of r, one character.
func toLower(r rune) rune {
	if low, ok := unicodeSets().lower[r]; ok {
		return low
	}
	return r
}

// members writes the set for a character class.
func (s charSet) members() string {
	var out strings.Builder
	for _, x := range s {
		out.WriteString(charEscape(x.first) + "-" + charEscape(x.last))
	}
	return out.String()
}

// outside writes all characters but the set's for a character class.
func (s charSet) outside() string {
	var rest charSet
	next := rune(0)
	for _, x := range s {
		if next < x.first {
			rest = append(rest, charRange{next, x.first - 1})
		}
		next = x.last + 1
	}
	return append(rest, charRange{next, unicode.MaxRune}).members()
}

// beyond writes, for a character class, what the set has over Go's table.
func (s charSet) beyond(table *unicode.RangeTable) string {
	var more charSet
	for _, x := range s {
		for r := x.first; r <= x.last; r++ {
			if !unicode.Is(table, r) {
				more = append(more, charRange{r, r})
			}
		}
	}
	return more.members()
}

// charEscape writes r for a character class.
func charEscape(r rune) string {
	if r <= 0xFFFF {
		return fmt.Sprintf(`\u%04x`, r)
	}
	return string(r)
}
