package jinja

import (
	"strings"
	"unicode/utf8"
)

// side says how many of the missing characters go to the left.
type side func(missing, width int) int

func leftSide(missing, _ int) int  { return missing }
func rightSide(_, _ int) int       { return 0 }
func bothSides(missing, w int) int { return missing/2 + missing&w&1 }

// pad fills a text up to a width in characters.
func (rt *runtime) pad(s string, width int64, fill rune, left side) (string, error) {
	missing := width - int64(utf8.RuneCountInString(s))
	if missing <= 0 {
		return s, nil
	}
	if missing > int64(rt.limits.Bytes) {
		return "", raise(LimitError, "the template makes too much text")
	}
	if err := rt.alloc(len(s) + int(missing)*utf8.RuneLen(fill)); err != nil {
		return "", err
	}
	n := left(int(missing), int(width))
	return strings.Repeat(string(fill), n) + s + strings.Repeat(string(fill), int(missing)-n), nil
}

// padded is center, ljust or rjust.
func padded(name string, left side) textMethod {
	return func(rt *runtime, s string, a *args) (Value, error) {
		if len(a.kw) > 0 {
			return nil, typeError("str.%s() takes no keyword arguments", name)
		}
		if err := positional(name, a, 1, 2); err != nil {
			return nil, err
		}
		width, err := index(a.pos[0])
		if err != nil {
			return nil, err
		}
		fill := ' '
		if len(a.pos) == 2 {
			c, ok := text(a.pos[1])
			if !ok {
				return nil, typeError("The fill character must be a unicode character, not %s", typeName(a.pos[1]))
			}
			if utf8.RuneCountInString(c) != 1 {
				return nil, typeError("The fill character must be exactly one character long")
			}
			fill, _ = utf8.DecodeRuneInString(c)
		}
		return rt.pad(s, width, fill, left)
	}
}

func zfill(rt *runtime, s string, a *args) (Value, error) {
	if len(a.kw) > 0 || len(a.pos) != 1 {
		return nil, typeError("str.zfill() takes exactly one argument (%d given)", len(a.pos))
	}
	width, err := index(a.pos[0])
	if err != nil {
		return nil, err
	}
	sign := ""
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		sign, s = s[:1], s[1:]
	}
	digits, err := rt.pad(s, width-int64(len(sign)), '0', leftSide)
	return sign + digits, err
}

func expandtabs(rt *runtime, s string, a *args) (Value, error) {
	b, err := a.bindBuiltin("expandtabs", "tabsize")
	if err != nil {
		return nil, err
	}
	size, err := b.int(0, 8)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	column := int64(0)
	for _, r := range s {
		n := int64(1)
		switch r {
		case '\t':
			if n = 0; size > 0 {
				n = size - column%size
			}
			if n > int64(rt.limits.Bytes) {
				return nil, raise(LimitError, "the template makes too much text")
			}
			if err := rt.alloc(int(n)); err != nil {
				return nil, err
			}
			out.WriteString(strings.Repeat(" ", int(n)))
			column += n
			continue
		case '\n', '\r':
			n = -column
		}
		out.WriteRune(r)
		column += n
	}
	return out.String(), rt.alloc(len(s))
}
