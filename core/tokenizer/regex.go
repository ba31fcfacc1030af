package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// A finder appends the non-overlapping matches in s, left to right. It may be
// used by several goroutines at once.
type finder interface {
	find(s string, matches []span) []span
}

// literal finds itself.
type literal string

func (l literal) find(s string, matches []span) []span {
	for at := 0; ; {
		i := strings.Index(s[at:], string(l))
		if i < 0 {
			return matches
		}
		matches = append(matches, span{at + i, at + i + len(l)})
		at += i + len(l)
	}
}

// regex finds the matches of a pattern that no scanner knows.
type regex struct{ re *regexp2.Regexp }

// compileRegex returns a finder for a pattern of Oniguruma's syntax, which is what
// Hugging Face's library speaks: a hand scanner where the pattern is known.
func compileRegex(source string) (finder, error) {
	if f, ok := scanners[source]; ok {
		return f, nil
	}
	translated, err := translate(source)
	if err != nil {
		return nil, fmt.Errorf("regex %q: %w", source, err)
	}
	// Oniguruma's ^ and $ are those of lines.
	re, err := regexp2.Compile(translated, regexp2.Multiline)
	if err != nil {
		return nil, fmt.Errorf("regex %q: %w", source, err)
	}
	return regex{re}, nil
}

func (x regex) find(s string, matches []span) []span {
	runes := []rune(s)
	at, pos := 0, 0 // byte and rune position reached
	m, err := x.re.FindRunesMatch(runes)
	for ; m != nil && err == nil; m, err = x.re.FindNextMatch(m) {
		for ; pos < m.Index; pos++ {
			at += utf8.RuneLen(runes[pos])
		}
		start := at
		for ; pos < m.Index+m.Length; pos++ {
			at += utf8.RuneLen(runes[pos])
		}
		matches = append(matches, span{start, at})
	}
	return matches // err is a time-out, and none is set
}

// translate rewrites what Oniguruma spells otherwise than .NET: possessive
// quantifiers become atomic groups and \w, \d, \s get Unicode's full classes.
// What has no counterpart is refused.
func translate(source string) (string, error) {
	var out strings.Builder
	atom := 0                   // where the last atom starts in out
	open := []group{{0, false}} // the groups around it
	for i := 0; i < len(source); {
		n, text, err := nextAtom(source[i:])
		if err != nil {
			return "", err
		}
		inner := &open[len(open)-1]
		switch c := source[i]; c {
		case '(':
			fold := inner.fold || strings.HasPrefix(text, "(?i")
			if i+n < len(source) && source[i+n] == ')' && strings.HasPrefix(text, "(?") {
				inner.fold = fold // (?i) is for the rest of the group
			}
			open = append(open, group{out.Len(), fold})
		case ')':
			if len(open) == 1 {
				return "", fmt.Errorf("a ) without its (")
			}
			atom = inner.start
			open = open[:len(open)-1]
		case '?', '*', '+':
			if i+1 < len(source) && source[i+1] == '+' && out.Len() > atom {
				whole := out.String()
				out.Reset()
				out.WriteString(whole[:atom] + "(?>" + whole[atom:] + string(c) + ")")
				i += 2
				continue
			}
		case '{':
		default:
			atom = out.Len()
			if more, ok := foldings[text]; ok && inner.fold {
				text = more
			}
		}
		out.WriteString(text)
		i += n
	}
	return out.String(), nil
}

// A group is an open parenthesis of a pattern.
type group struct {
	start int  // where it starts in the translation
	fold  bool // whether case is ignored inside
}

// foldings are the letters that have a third case in Unicode, which .NET leaves out.
var foldings = map[string]string{
	"s": "[sSſ]", "S": "[sSſ]", "k": "[kK\u212a]", "K": "[kK\u212a]",
}

// nextAtom returns the length of the piece of a pattern that s begins with, a
// class, an escape, a group's opening or a character, and its translation.
func nextAtom(s string) (n int, text string, err error) {
	switch s[0] {
	case '[':
		return class(s)
	case '\\':
		return escape(s, false)
	case '(':
		n = 1
		if strings.HasPrefix(s, "(?") {
			n = 2
			for n < len(s) && strings.IndexByte("<=!:>", s[n]) < 0 && s[n] != ')' {
				n++
			}
			if n < len(s) && s[n] != ')' {
				n++
			}
			if strings.HasPrefix(s, "(?<") && n < len(s) && (s[n] == '=' || s[n] == '!') {
				n++
			}
		}
	default:
		_, n = utf8.DecodeRuneInString(s)
	}
	return n, s[:n], nil
}

// class translates a bracket expression.
func class(s string) (n int, text string, err error) {
	var out strings.Builder
	out.WriteByte('[')
	for i := 1; i < len(s); {
		switch {
		case s[i] == ']' && i > 1 && s[:i] != "[^":
			return i + 1, out.String() + "]", nil
		case s[i] == '[' || strings.HasPrefix(s[i:], "&&"):
			return 0, "", fmt.Errorf("a class inside of a class is not implemented")
		case s[i] == '\\':
			n, text, err := escape(s[i:], true)
			if err != nil {
				return 0, "", err
			}
			out.WriteString(text)
			i += n
		default:
			out.WriteByte(s[i])
			i++
		}
	}
	return 0, "", fmt.Errorf("a [ without its ]")
}

// escape translates a backslash and what belongs to it.
func escape(s string, inClass bool) (n int, text string, err error) {
	if len(s) < 2 {
		return 0, "", fmt.Errorf("a backslash at the end")
	}
	switch c := s[1]; {
	case c == 'w' || c == 'W':
		set := unicodeSets().sets["regex-word"]
		if inClass { // Oniguruma has two answers for ² and its like
			set = unicodeSets().sets["class-word"]
		}
		return setEscape(s, 2, set.members(), set, c == 'W', inClass)
	case c == 'd' || c == 'D':
		set := unicodeSets().sets["Nd"]
		return setEscape(s, 2, set.members(), set, c == 'D', inClass)
	case c == 'p' || c == 'P':
		return property(s, inClass)
	case strings.IndexByte("hHRXKkgyYON", c) >= 0:
		return 0, "", fmt.Errorf(`\%c is not implemented`, c)
	}
	_, size := utf8.DecodeRuneInString(s[1:])
	return 1 + size, s[:1+size], nil
}

// property translates \p{L} and its kin. The reference's own sets are written out
// where Go's tables differ.
func property(s string, inClass bool) (n int, text string, err error) {
	name, _, ok := strings.Cut(s[2:], "}")
	name, open := strings.CutPrefix(name, "{")
	if !ok || !open {
		return 0, "", fmt.Errorf(`%.3s without a name in braces`, s)
	}
	n = len(`\p{}`) + len(name)
	name, caret := strings.CutPrefix(name, "^")
	not := (s[1] == 'P') != caret
	if set := unicodeSets().sets[name]; set != nil {
		return setEscape(s, n, `\p{`+name+"}"+set.beyond(unicode.Categories[name]), set, not, inClass)
	}
	if inClass && not {
		return 0, "", fmt.Errorf("%s inside of a class is not implemented", s[:n])
	}
	if not {
		return n, `\P{` + name + "}", nil
	}
	return n, `\p{` + name + "}", nil
}

// setEscape writes the escape that the first n bytes of s are; members is the set as
// a class holds it.
func setEscape(s string, n int, members string, set charSet, not, inClass bool) (int, string, error) {
	switch {
	case inClass && not:
		return n, set.outside(), nil
	case inClass:
		return n, members, nil
	case not:
		return n, "[^" + members + "]", nil
	}
	return n, "[" + members + "]", nil
}
