package py

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// IsSpace is Python's str.isspace for one character. Unlike Go's
// unicode.IsSpace it counts the separators U+001C to U+001F.
func IsSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// Strip, LeftStrip and RightStrip are str.strip, lstrip and rstrip.
func Strip(s string) string      { return strings.TrimFunc(s, IsSpace) }
func LeftStrip(s string) string  { return strings.TrimLeftFunc(s, IsSpace) }
func RightStrip(s string) string { return strings.TrimRightFunc(s, IsSpace) }

// Capitalize is str.capitalize: the first character in title case and the rest
// in lower case, both with Unicode's special casing (ß becomes Ss, a final Σ
// becomes ς).
func Capitalize(s string) string {
	if s == "" {
		return ""
	}
	_, size := utf8.DecodeRuneInString(s)
	lower := cases.Lower(language.Und).String(s)
	_, lowerSize := utf8.DecodeRuneInString(lower)
	if size < len(s) && lowerSize != size {
		// The first character's lower case has another length (İ); Python
		// lowers the rest in its place in the whole.
		lowerSize = len(cases.Lower(language.Und).String(s[:size]))
	}
	first := cases.Title(language.Und, cases.NoLower).String(s[:size])
	return first + lower[min(lowerSize, len(lower)):]
}
