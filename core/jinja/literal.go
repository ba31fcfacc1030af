package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// number reads an integer or float literal, underscores and bases as in Python.
func (l *lexer) number() error {
	if end := floatEnd(l.src, l.pos); end > 0 && (l.pos == 0 || l.src[l.pos-1] != '.') {
		f, err := strconv.ParseFloat(strings.ReplaceAll(l.src[l.pos:end], "_", ""), 64)
		if err != nil && !strings.Contains(err.Error(), "range") {
			return raise("TemplateSyntaxError", "malformed number %q", l.src[l.pos:end])
		}
		l.emit(token{typ: tokenFloat, value: f})
		l.take(end)
		return nil
	}
	end, base := integerEnd(l.src, l.pos)
	digits := strings.ReplaceAll(l.src[l.pos:end], "_", "")
	if base != 10 {
		digits = digits[2:]
	}
	if len(digits) > maxIntDigits {
		return raise("TemplateSyntaxError", "Exceeds the limit (%d digits) for integer string conversion: value has %d digits",
			maxIntDigits, len(digits))
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return raise("TemplateSyntaxError", "malformed number %q", l.src[l.pos:end])
	}
	l.emit(token{typ: tokenInteger, value: normInt(n)})
	l.take(end)
	return nil
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }

// digitsEnd is the end of the digits at i, single underscores between them; i where there are none.
func digitsEnd(s string, i int, digit func(byte) bool) int {
	if i >= len(s) || !digit(s[i]) {
		return i
	}
	for i++; i < len(s); i++ {
		if s[i] == '_' && i+1 < len(s) && digit(s[i+1]) {
			i++
		} else if !digit(s[i]) {
			break
		}
	}
	return i
}

// floatEnd is the end of the float literal at i, or -1.
func floatEnd(s string, i int) int {
	whole := digitsEnd(s, i, isDecimal)
	if whole == i {
		return -1
	}
	end := whole
	if end < len(s) && s[end] == '.' {
		if n := digitsEnd(s, end+1, isDecimal); n > end+1 {
			end = n
		}
	}
	if end < len(s) && (s[end] == 'e' || s[end] == 'E') {
		exp := end + 1
		if exp < len(s) && (s[exp] == '+' || s[exp] == '-') {
			exp++
		}
		if n := digitsEnd(s, exp, isDecimal); n > exp {
			return n
		}
	}
	if end == whole {
		return -1
	}
	return end
}

// integerEnd is the end of the integer literal at i and its base.
func integerEnd(s string, i int) (end, base int) {
	if s[i] != '0' {
		return digitsEnd(s, i, isDecimal), 10
	}
	if i+1 < len(s) {
		digits := i + 2
		if digits < len(s) && s[digits] == '_' {
			digits++
		}
		var digit func(byte) bool
		switch s[i+1] | 0x20 {
		case 'b':
			base, digit = 2, func(c byte) bool { return c == '0' || c == '1' }
		case 'o':
			base, digit = 8, func(c byte) bool { return c >= '0' && c <= '7' }
		case 'x':
			base, digit = 16, func(c byte) bool { return isDecimal(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
		}
		if digit != nil {
			if end := digitsEnd(s, digits, digit); end > digits {
				return end, base
			}
		}
	}
	return digitsEnd(s, i, func(c byte) bool { return c == '0' }), 10
}

var simpleEscapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape resolves a string literal's escapes as Python's unicode-escape codec does after backslashreplace.
func unescape(s string) (string, error) {
	if !strings.Contains(s, "\\") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		text, n, err := escape(s[i+1:])
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		i += 1 + n
	}
	return b.String(), nil
}

// escape resolves the escape whose text after the backslash begins s, and says how many bytes of s it took.
func escape(s string) (string, int, error) {
	c := s[0]
	if text, ok := simpleEscapes[c]; ok {
		return text, 1, nil
	}
	switch {
	case c >= '0' && c <= '7':
		n := 1
		for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		code, _ := strconv.ParseUint(s[:n], 8, 32)
		return string(rune(code)), n, nil
	case c == 'x':
		return hexEscape(s, 2, `truncated \xXX escape`)
	case c == 'u':
		return hexEscape(s, 4, `truncated \uXXXX escape`)
	case c == 'U':
		return hexEscape(s, 8, `truncated \UXXXXXXXX escape`)
	case c == 'N':
		return "", 0, unsupported(`the escape \N{...} in a string`)
	case c >= utf8.RuneSelf:
		// The character was itself replaced by an escape, whose backslash this one now quotes.
		r, n := utf8.DecodeRuneInString(s)
		return `\` + quotedRune(r), n, nil
	}
	return `\` + s[:1], 1, nil
}

func quotedRune(r rune) string {
	switch {
	case r < 0x100:
		return fmt.Sprintf("x%02x", r)
	case r < 0x10000:
		return fmt.Sprintf("u%04x", r)
	}
	return fmt.Sprintf("U%08x", r)
}

func hexEscape(s string, digits int, truncated string) (string, int, error) {
	if len(s) < 1+digits {
		return "", 0, raise("TemplateSyntaxError", "%s", truncated)
	}
	code, err := strconv.ParseUint(s[1:1+digits], 16, 32)
	if err != nil {
		return "", 0, raise("TemplateSyntaxError", "%s", truncated)
	}
	if code > utf8.MaxRune {
		return "", 0, raise("TemplateSyntaxError", "illegal Unicode character")
	}
	if code >= 0xd800 && code < 0xe000 {
		return "", 0, unsupported("the lone surrogate U+%04X in a string", code)
	}
	return string(rune(code)), 1 + digits, nil
}
