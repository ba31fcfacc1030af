package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// isSpace is Python's str.isspace of one character, which is also what strip, split and the lexer go by.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isIdentifier is Python's str.isidentifier.
func isIdentifier(s string) bool {
	for i, r := range s {
		start := r == '_' || unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start) && !unicode.Is(notIdentifierStart, r)
		part := unicode.In(r, unicode.L, unicode.Nl, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue) &&
			!unicode.Is(notIdentifierPart, r)
		if !start && (i == 0 || !part) {
			return false
		}
	}
	return s != ""
}

func upper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return cases.Upper(language.Und).String(s)
}

func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und).String(s)
}

// casefold is Python's str.casefold. Cherokee folds to its upper case, which cases.Fold has the other way round.
func casefold(s string) string {
	var b strings.Builder
	rest := s
	for i, r := range s {
		if !unicode.Is(unicode.Cherokee, r) {
			continue
		}
		b.WriteString(cases.Fold().String(rest[:i-(len(s)-len(rest))]))
		b.WriteRune(unicode.ToUpper(r))
		rest = s[i+utf8.RuneLen(r):]
	}
	return b.String() + cases.Fold().String(rest)
}

// titleRune is one character at a word's start.
func titleRune(r rune) string {
	if r < utf8.RuneSelf {
		return strings.ToUpper(string(r))
	}
	return cases.Title(language.Und).String(string(r))
}

// lowered gives a text's characters in lower case one by one, a sigma by its place in the whole text.
type lowered struct{ rest string }

func (l *lowered) next(r rune) string {
	n := utf8.RuneLen(unicode.ToLower(r))
	if r == 'İ' {
		n = len("i̇")
	}
	n = min(n, len(l.rest))
	c := l.rest[:n]
	l.rest = l.rest[n:]
	return c
}

// capitalize puts the first character in title case and the rest in lower case.
func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	l := lowered{lower(s)}
	l.next(r)
	return titleRune(r) + l.rest
}

// title is Python's str.title: every run of cased letters is capitalized.
func title(s string) string {
	var b strings.Builder
	l := lowered{lower(s)}
	inWord := false
	for _, r := range s {
		low := l.next(r)
		if inWord {
			b.WriteString(low)
		} else {
			b.WriteString(titleRune(r))
		}
		inWord = isCased(r)
	}
	return b.String()
}

func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Uppercase, unicode.Other_Lowercase)
}

func isUpper(r rune) bool { return unicode.In(r, unicode.Lu, unicode.Other_Uppercase) }
func isLower(r rune) bool { return unicode.In(r, unicode.Ll, unicode.Other_Lowercase) }

// swapcase turns upper case into lower and the other way round.
func swapcase(s string) string {
	var b strings.Builder
	l := lowered{lower(s)}
	for _, r := range s {
		low := l.next(r)
		switch {
		case isUpper(r):
			b.WriteString(low)
		case isLower(r):
			b.WriteString(upper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isTitle is Python's str.istitle.
func isTitle(s string) bool {
	cased, inWord := false, false
	for _, r := range s {
		switch {
		case isUpper(r) || unicode.Is(unicode.Lt, r):
			if inWord {
				return false
			}
			cased, inWord = true, true
		case isLower(r):
			if !inWord {
				return false
			}
			cased = true
		default:
			inWord = false
		}
	}
	return cased
}

// allCased is Python's str.isupper or islower: some letter has the case, and none the other.
func allCased(s string, wanted, other func(rune) bool) bool {
	found := false
	for _, r := range s {
		if other(r) || unicode.Is(unicode.Lt, r) {
			return false
		}
		found = found || wanted(r)
	}
	return found
}

// all says whether a text has characters and each is of the class.
func all(s string, class func(rune) bool) bool {
	for _, r := range s {
		if !class(r) {
			return false
		}
	}
	return s != ""
}

func isDecimalRune(r rune) bool { return unicode.Is(unicode.Nd, r) }

// isDigitRune is Unicode's Numeric_Type Digit or Decimal.
func isDigitRune(r rune) bool { return isDecimalRune(r) || unicode.Is(otherDigits, r) }

// isNumericRune is any Numeric_Type.
func isNumericRune(r rune) bool { return unicode.Is(unicode.N, r) || unicode.Is(numericLetters, r) }

func isAlnumRune(r rune) bool {
	return unicode.IsLetter(r) || isNumericRune(r)
}

// splitLines is Python's str.splitlines.
func splitLines(s string, keepEnds bool) []Value {
	var lines []Value
	for s != "" {
		i := strings.IndexFunc(s, isLineEnd)
		if i < 0 {
			return append(lines, s)
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		end := i + n
		if r == '\r' && strings.HasPrefix(s[end:], "\n") {
			end++
		}
		if keepEnds {
			lines = append(lines, s[:end])
		} else {
			lines = append(lines, s[:i])
		}
		s = s[end:]
	}
	return lines
}

func isLineEnd(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}
