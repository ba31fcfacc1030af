package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer cuts a template into tokens by the rules of jinja2/lexer.py.
type lexer struct {
	env          *Environment
	src          string
	pos          int
	line         int
	lineStarting bool // whether the last match ended in a newline
	tokens       []token
	closers      []byte // the brackets still open in an expression
}

// lex returns the tokens of a template; an error is the last of them, so that it is reported only where the parser
// gets that far.
func (e *Environment) lex(source string) []token {
	l := &lexer{env: e, src: normalizeNewlines(source), line: 1, lineStarting: true}
	if !e.keepTrailingNewline {
		l.src = strings.TrimSuffix(l.src, "\n")
	}
	if err := l.run(); err != nil {
		l.emit(token{typ: tokenInvalid, err: at(err, l.line)})
		return l.tokens
	}
	l.emit(token{typ: tokenEOF})
	return l.tokens
}

func normalizeNewlines(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

func (l *lexer) emit(t token) {
	t.line = l.line
	l.tokens = append(l.tokens, t)
}

// take moves past src[pos:end].
func (l *lexer) take(end int) {
	text := l.src[l.pos:end]
	l.line += strings.Count(text, "\n")
	l.lineStarting = strings.HasSuffix(text, "\n")
	l.pos = end
}

func (l *lexer) run() error {
	for l.pos < len(l.src) {
		begin := l.findTag()
		if begin < 0 {
			l.emit(token{typ: tokenData, text: l.src[l.pos:]})
			l.take(len(l.src))
			return nil
		}
		if err := l.tag(begin); err != nil {
			return err
		}
	}
	return nil
}

// findTag is the place of the next {{, {% or {#, or -1.
func (l *lexer) findTag() int {
	for i := l.pos; i < len(l.src)-1; i++ {
		if l.src[i] == '{' && (l.src[i+1] == '{' || l.src[i+1] == '%' || l.src[i+1] == '#') {
			return i
		}
	}
	return -1
}

// tag reads the text before a tag and the tag.
func (l *lexer) tag(begin int) error {
	kind := l.src[begin+1]
	sign, after := l.sign(begin + 2)
	rawEnd := -1
	if kind == '%' {
		rawEnd = l.keywordTag(after, "raw", false)
	}
	l.data(begin, sign, kind != '{')
	l.take(begin)
	switch {
	case rawEnd >= 0:
		l.take(rawEnd)
		return l.raw()
	case kind == '#':
		l.take(after)
		return l.comment()
	case kind == '%':
		l.emit(token{typ: tokenBlockBegin})
		l.take(after)
		return l.expression(tokenBlockEnd)
	default:
		l.emit(token{typ: tokenVariableBegin})
		l.take(after)
		return l.expression(tokenVariableEnd)
	}
}

// sign reads the white-space control after a tag's opening.
func (l *lexer) sign(i int) (byte, int) {
	if i < len(l.src) && (l.src[i] == '-' || l.src[i] == '+') {
		return l.src[i], i + 1
	}
	return 0, i
}

// data emits the text up to end, stripped as the next tag's sign or lstrip_blocks say.
func (l *lexer) data(end int, sign byte, lstrip bool) {
	text := l.src[l.pos:end]
	if sign == '-' {
		text = strings.TrimRightFunc(text, isSpace)
	} else if sign != '+' && lstrip && l.env.lstripBlocks {
		line := strings.LastIndexByte(text, '\n') + 1
		if (line > 0 || l.lineStarting) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
			text = text[:line]
		}
	}
	if text != "" {
		l.emit(token{typ: tokenData, text: text})
	}
}

// keywordTag is the end of the tag whose opening ends at i where it holds but the word, or -1. closing says whether
// the tag's end may be +%} and is trimmed, as an endraw's is.
func (l *lexer) keywordTag(i int, word string, closing bool) int {
	s := l.src
	i = skipSpace(s, i)
	if !strings.HasPrefix(s[i:], word) {
		return -1
	}
	i = skipSpace(s, i+len(word))
	switch {
	case strings.HasPrefix(s[i:], "-%}"):
		return skipSpace(s, i+3)
	case closing && strings.HasPrefix(s[i:], "+%}"):
		return i + 3
	case strings.HasPrefix(s[i:], "%}"):
		if closing {
			return l.trim(i + 2)
		}
		return i + 2
	}
	return -1
}

func skipSpace(s string, i int) int {
	return len(s) - len(strings.TrimLeftFunc(s[i:], isSpace))
}

// trim skips the newline at i, with trim_blocks.
func (l *lexer) trim(i int) int {
	if l.env.trimBlocks && i < len(l.src) && l.src[i] == '\n' {
		return i + 1
	}
	return i
}

// raw reads the text of a raw block and its endraw tag.
func (l *lexer) raw() error {
	if l.pos == len(l.src) {
		return nil
	}
	for i := l.pos; ; i += 2 {
		next := strings.Index(l.src[i:], "{%")
		if next < 0 {
			return raise("TemplateSyntaxError", "Missing end of raw directive")
		}
		i += next
		sign, after := l.sign(i + 2)
		if end := l.keywordTag(after, "endraw", true); end >= 0 {
			l.data(i, sign, true)
			l.take(end)
			return nil
		}
	}
}

// comment skips to the end of a comment.
func (l *lexer) comment() error {
	if l.pos == len(l.src) {
		return nil
	}
	n := strings.Index(l.src[l.pos:], "#}")
	if n < 0 {
		return raise("TemplateSyntaxError", "Missing end of comment tag")
	}
	end := l.pos + n + 2
	switch {
	case n > 0 && l.src[end-3] == '-':
		end = skipSpace(l.src, end)
	case n > 0 && l.src[end-3] == '+':
	default:
		end = l.trim(end)
	}
	l.take(end)
	return nil
}

// expression reads the tokens of a block or print statement up to its end.
func (l *lexer) expression(end tokenType) error {
	l.closers = l.closers[:0]
	for l.pos < len(l.src) {
		if len(l.closers) == 0 {
			if n := l.tagEnd(end); n >= 0 {
				l.emit(token{typ: end})
				l.take(n)
				return nil
			}
		}
		if err := l.lexeme(); err != nil {
			return err
		}
	}
	return nil
}

// tagEnd is where the tag's end at pos ends, or -1.
func (l *lexer) tagEnd(end tokenType) int {
	rest := l.src[l.pos:]
	mark := "%}"
	if end == tokenVariableEnd {
		mark = "}}"
	}
	switch {
	case strings.HasPrefix(rest, "-"+mark):
		return skipSpace(l.src, l.pos+3)
	case strings.HasPrefix(rest, mark) && end == tokenVariableEnd:
		return l.pos + 2
	case strings.HasPrefix(rest, mark):
		return l.trim(l.pos + 2)
	case end == tokenBlockEnd && strings.HasPrefix(rest, "+"+mark):
		return l.pos + 3
	}
	return -1
}

// lexeme reads one token of an expression, or white space.
func (l *lexer) lexeme() error {
	c := l.src[l.pos]
	if end := skipSpace(l.src, l.pos); end > l.pos {
		l.take(end)
		return nil
	}
	if c >= '0' && c <= '9' {
		return l.number()
	}
	if end := nameEnd(l.src, l.pos); end > l.pos {
		return l.name(end)
	}
	if c == '\'' || c == '"' {
		if end := stringEnd(l.src, l.pos); end > 0 {
			return l.string(end)
		}
	}
	for _, op := range operators {
		if strings.HasPrefix(l.src[l.pos:], op) {
			return l.operator(op)
		}
	}
	r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
	return raise("TemplateSyntaxError", "unexpected char %s at %d", reprString(string(r)), utf8.RuneCountInString(l.src[:l.pos]))
}

func (l *lexer) operator(op string) error {
	switch op {
	case "{":
		l.closers = append(l.closers, '}')
	case "(":
		l.closers = append(l.closers, ')')
	case "[":
		l.closers = append(l.closers, ']')
	case "}", ")", "]":
		n := len(l.closers)
		if n == 0 {
			return raise("TemplateSyntaxError", "unexpected '%s'", op)
		}
		if want := l.closers[n-1]; want != op[0] {
			return raise("TemplateSyntaxError", "unexpected '%s', expected '%c'", op, want)
		}
		l.closers = l.closers[:n-1]
	}
	l.emit(token{typ: tokenType(op)})
	l.take(l.pos + len(op))
	return nil
}

// nameEnd is the end of the run of word characters at i.
func nameEnd(s string, i int) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r != '_' && !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc) {
			break
		}
		i += n
	}
	return i
}

func (l *lexer) name(end int) error {
	text := l.src[l.pos:end]
	if !isIdentifier(text) {
		return raise("TemplateSyntaxError", "Invalid character in identifier")
	}
	l.emit(token{typ: tokenName, text: text})
	l.take(end)
	return nil
}

// stringEnd is the end of the string literal at i, or -1 where it does not end.
func stringEnd(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case s[i]:
			return j + 1
		}
	}
	return -1
}

func (l *lexer) string(end int) error {
	text, err := unescape(l.src[l.pos+1 : end-1])
	if err != nil {
		return err
	}
	l.emit(token{typ: tokenString, text: text})
	l.take(end)
	return nil
}
