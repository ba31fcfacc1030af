package py

import (
	"strings"
	"unicode"
)

// IsSpace is Python's str.isspace for one character. Unlike Go's
// unicode.IsSpace it counts the separators U+001C to U+001F.
func IsSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// Strip is str.strip.
func Strip(s string) string { return strings.TrimFunc(s, IsSpace) }
