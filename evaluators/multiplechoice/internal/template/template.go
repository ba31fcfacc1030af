// Package template renders the templates of task definitions: the part of Jinja
// that lm-eval's own definitions use, so that they can be taken over as they
// are. A template is text with {{ expression }} and {% set name = expression %}.
//
// An expression is made of names of the document's fields, strings, integers,
// lists [a, b], dicts {'a': 1}, a.b, a[0], a + b, a ~ b, the methods of Python's
// str, list and dict listed in methods.go, and filters (a | int). Beyond Jinja,
// [f(x) for x in list] is understood, as in Python.
package template

import (
	"fmt"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Template is a parsed template. It may be used from several goroutines.
type Template struct {
	source string
	parts  []part
}

// part is text, an expression, or an assignment to a name.
type part struct {
	text string
	expr expr
	set  string
}

// Parse reads a template.
func Parse(source string) (*Template, error) {
	t := &Template{source: source}
	rest := source
	for rest != "" {
		open := strings.IndexByte(rest, '{')
		for open >= 0 && !strings.HasPrefix(rest[open:], "{{") && !strings.HasPrefix(rest[open:], "{%") {
			next := strings.IndexByte(rest[open+1:], '{')
			if next < 0 {
				open = -1
				break
			}
			open += 1 + next
		}
		if open < 0 {
			t.parts = append(t.parts, part{text: rest})
			break
		}
		if open > 0 {
			t.parts = append(t.parts, part{text: rest[:open]})
		}
		p, length, err := parseTag(rest[open:])
		if err != nil {
			return nil, fmt.Errorf("template %q: %w", source, err)
		}
		t.parts = append(t.parts, p)
		rest = rest[open+length:]
	}
	return t, nil
}

// parseTag reads the {{ }} or {% %} that s begins with, and its length.
func parseTag(s string) (part, int, error) {
	p := parser{scanner: scanner{src: s, pos: 2}}
	p.advance()
	var tag part
	closing := "}}"
	if s[1] == '%' {
		closing = "%}"
		if err := p.expectName("set"); err != nil {
			return part{}, 0, err
		}
		tag.set = p.tok.text
		if p.tok.kind != name {
			return part{}, 0, p.unexpected("a name")
		}
		p.advance()
		if err := p.expect("="); err != nil {
			return part{}, 0, err
		}
	}
	var err error
	if tag.expr, err = p.expression(); err != nil {
		return part{}, 0, err
	}
	if p.tok.text != closing || p.tok.kind != symbol {
		return part{}, 0, p.unexpected(closing)
	}
	return tag, p.pos, nil
}

// Text renders the template for a document.
func (t *Template) Text(doc py.Object) (string, error) {
	var b strings.Builder
	s := scope{doc: doc}
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.expr(s)
		if err != nil {
			return "", fmt.Errorf("template %q: %w", t.source, err)
		}
		if p.set != "" {
			s = s.with(p.set, v)
			continue
		}
		b.WriteString(py.Str(v))
	}
	return b.String(), nil
}

// Value returns the value of a template that is a single expression, and the
// text of any other.
func (t *Template) Value(doc py.Object) (any, error) {
	if len(t.parts) != 1 || t.parts[0].expr == nil || t.parts[0].set != "" {
		return t.Text(doc)
	}
	v, err := t.parts[0].expr(scope{doc: doc})
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", t.source, err)
	}
	return v, nil
}

// ParseExpression reads a bare expression, without braces.
func ParseExpression(source string) (*Template, error) {
	p := parser{scanner: scanner{src: source}}
	p.advance()
	e, err := p.expression()
	if err == nil && p.tok.kind != end {
		err = p.unexpected("the end")
	}
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", source, err)
	}
	return &Template{source: source, parts: []part{{expr: e}}}, nil
}
