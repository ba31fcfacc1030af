package preference

import (
	"fmt"
	"strings"
	"unicode"
)

// visibleText makes white space and control characters visible: a new line is
// "⏎" and a new line, a tab "⇥", a space at a boundary (of the text, or beside
// other white space) "·", other space and invisible characters their code point.
// Nothing remains that could steer a terminal.
func visibleText(s string) string {
	var b strings.Builder
	runes := []rune(s)
	isSpace := func(i int) bool { return i < 0 || i >= len(runes) || unicode.IsSpace(runes[i]) }
	for i, r := range runes {
		switch {
		case r == '\n':
			b.WriteString("⏎\n")
		case r == '\t':
			b.WriteString("⇥")
		case r == ' ' && (isSpace(i-1) || isSpace(i+1)):
			b.WriteString("·")
		case r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}
