package jinja

import "strings"

// tokenType names a token as Jinja's messages do.
type tokenType string

const (
	tokenData          tokenType = "data"
	tokenVariableBegin tokenType = "variable_begin"
	tokenVariableEnd   tokenType = "variable_end"
	tokenBlockBegin    tokenType = "block_begin"
	tokenBlockEnd      tokenType = "block_end"
	tokenName          tokenType = "name"
	tokenString        tokenType = "string"
	tokenInteger       tokenType = "integer"
	tokenFloat         tokenType = "float"
	tokenEOF           tokenType = "eof"
	tokenInvalid       tokenType = "invalid" // carries the lexer's error
)

// token is one token of a template. An operator's type is the operator itself.
type token struct {
	typ   tokenType
	text  string // of a name, string or data, escapes resolved
	value Value  // of a number
	line  int
	err   error // of tokenInvalid
}

// is tests a token against a type, or a name against "name:text", as Jinja's parser writes it.
func (t token) is(expr string) bool {
	if name, ok := strings.CutPrefix(expr, "name:"); ok {
		return t.typ == tokenName && t.text == name
	}
	return string(t.typ) == expr
}

func (t token) isAny(exprs []string) bool {
	for _, expr := range exprs {
		if t.is(expr) {
			return true
		}
	}
	return false
}

// describe is the token in an error message.
func (t token) describe() string {
	if t.typ == tokenName {
		return t.text
	}
	return describeExpr(string(t.typ))
}

var descriptions = map[tokenType]string{
	tokenBlockBegin:    "begin of statement block",
	tokenBlockEnd:      "end of statement block",
	tokenVariableBegin: "begin of print statement",
	tokenVariableEnd:   "end of print statement",
	tokenData:          "template data / text",
	tokenEOF:           "end of template",
}

func describeExpr(expr string) string {
	if name, ok := strings.CutPrefix(expr, "name:"); ok {
		return name
	}
	if d, ok := descriptions[tokenType(expr)]; ok {
		return d
	}
	return expr
}

// operators of expressions, the longer ones first.
var operators = []string{
	"//", "**", "==", "!=", ">=", "<=",
	"+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
}
