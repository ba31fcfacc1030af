package template

import (
	"fmt"
	"strings"
)

type kind int

const (
	end kind = iota
	name
	text    // a string literal, unquoted in token.text
	integer // decimal digits
	symbol
	bad // token.text says what is wrong
)

type token struct {
	kind kind
	text string
}

type scanner struct {
	src string
	pos int
}

// next returns the token at pos and moves behind it.
func (s *scanner) next() token {
	for s.pos < len(s.src) && strings.IndexByte(" \t\r\n", s.src[s.pos]) >= 0 {
		s.pos++
	}
	if s.pos == len(s.src) {
		return token{kind: end}
	}
	c := s.src[s.pos]
	switch {
	case isLetter(c):
		return token{name, s.while(func(c byte) bool { return isLetter(c) || isDigit(c) })}
	case isDigit(c):
		return token{integer, s.while(isDigit)}
	case c == '\'' || c == '"':
		return s.quoted(c)
	}
	for _, two := range []string{"}}", "%}"} {
		if strings.HasPrefix(s.src[s.pos:], two) {
			s.pos += 2
			return token{symbol, two}
		}
	}
	s.pos++
	return token{symbol, string(c)}
}

func (s *scanner) while(in func(byte) bool) string {
	start := s.pos
	for s.pos < len(s.src) && in(s.src[s.pos]) {
		s.pos++
	}
	return s.src[start:s.pos]
}

var escapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': "\\", '\'': "'", '"': "\""}

// quoted reads a string literal; a backslash before any other letter stays, as
// in Python.
func (s *scanner) quoted(quote byte) token {
	var b strings.Builder
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == quote:
			s.pos++
			return token{text, b.String()}
		case c == '\\' && s.pos+1 < len(s.src):
			s.pos++
			if e, ok := escapes[s.src[s.pos]]; ok {
				b.WriteString(e)
			} else {
				b.WriteByte('\\')
				b.WriteByte(s.src[s.pos])
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{bad, fmt.Sprintf("a string without its closing %c", quote)}
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
