package template

import (
	"fmt"
	"strconv"
)

// expr is a parsed expression, ready to be evaluated.
type expr func(scope) (any, error)

type parser struct {
	scanner
	tok   token
	depth int
}

// maxDepth bounds nesting, so that no input exhausts the stack.
const maxDepth = 100

func (p *parser) advance() { p.tok = p.next() }

func (p *parser) is(symbols ...string) bool {
	for _, s := range symbols {
		if p.tok.kind == symbol && p.tok.text == s {
			return true
		}
	}
	return false
}

func (p *parser) accept(s string) bool {
	if !p.is(s) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(s string) error {
	if !p.accept(s) {
		return p.unexpected(s)
	}
	return nil
}

func (p *parser) expectName(s string) error {
	if p.tok.kind != name || p.tok.text != s {
		return p.unexpected(s)
	}
	p.advance()
	return nil
}

func (p *parser) unexpected(want string) error {
	switch p.tok.kind {
	case end:
		return fmt.Errorf("it ends where %s should stand", want)
	case bad:
		return fmt.Errorf("%s", p.tok.text)
	}
	return fmt.Errorf("%q where %s should stand", p.tok.text, want)
}

// expression = operand { ("+" | "~") operand }
func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	for err == nil && p.is("+", "~") {
		operator := p.tok.text
		p.advance()
		var right expr
		if right, err = p.operand(); err == nil {
			left = concatenation(operator, left, right)
		}
	}
	return left, err
}

// operand = primary { "." name [ arguments ] | "[" expression "]" | "|" name [ arguments ] }
func (p *parser) operand() (expr, error) {
	e, err := p.primary()
	for err == nil {
		switch {
		case p.accept("."):
			e, err = p.member(e)
		case p.accept("["):
			e, err = p.index(e)
		case p.accept("|"):
			e, err = p.call(e, filters, "filter")
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *parser) member(of expr) (expr, error) {
	field := p.tok.text
	if p.tok.kind != name {
		return nil, p.unexpected("a name")
	}
	ahead := p.scanner
	if t := ahead.next(); t.kind == symbol && t.text == "(" {
		return p.call(of, methods, "method")
	}
	p.advance()
	return attribute(of, field), nil
}

// index reads what follows "[": an index, or ":" and how many to take.
func (p *parser) index(of expr) (expr, error) {
	head := p.accept(":")
	i, err := p.expression()
	if err != nil {
		return nil, err
	}
	if head {
		return first(of, i), p.expect("]")
	}
	return element(of, i), p.expect("]")
}

// call reads a function's name and, where there are any, its arguments.
func (p *parser) call(of expr, known map[string]function, what string) (expr, error) {
	called := p.tok.text
	f, ok := known[called]
	if p.tok.kind != name || !ok {
		return nil, p.unexpected("a " + what + " (" + names(known) + ")")
	}
	p.advance()
	var args []expr
	if p.accept("(") {
		var err error
		if args, err = p.list(")"); err != nil {
			return nil, err
		}
	}
	return application(called, f, of, args), nil
}

// list reads expressions between commas up to the closing symbol.
func (p *parser) list(closing string) ([]expr, error) {
	var items []expr
	for !p.accept(closing) {
		if len(items) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	return items, nil
}

func (p *parser) primary() (expr, error) {
	t := p.tok
	switch t.kind {
	case name:
		p.advance()
		return variable(t.text), nil
	case text:
		p.advance()
		return constant(t.text), nil
	case integer:
		p.advance()
		n, err := strconv.ParseInt(t.text, 10, 64)
		return constant(n), err
	}
	switch {
	case p.accept("-"):
		n, err := strconv.ParseInt("-"+p.tok.text, 10, 64)
		if p.tok.kind != integer {
			return nil, p.unexpected("an integer")
		}
		p.advance()
		return constant(n), err
	case p.accept("("):
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case p.accept("["):
		return p.listOrComprehension()
	case p.accept("{"):
		return p.dict()
	}
	return nil, p.unexpected("a value")
}

// listOrComprehension reads what follows "[": items, or "f(x) for x in list".
func (p *parser) listOrComprehension() (expr, error) {
	if p.accept("]") {
		return items(nil), nil
	}
	head, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.tok.kind == name && p.tok.text == "for" {
		p.advance()
		return p.comprehension(head)
	}
	rest := []expr(nil)
	if !p.accept("]") {
		if err := p.expect(","); err != nil {
			return nil, err
		}
		if rest, err = p.list("]"); err != nil {
			return nil, err
		}
	}
	return items(append([]expr{head}, rest...)), nil
}

func (p *parser) comprehension(each expr) (expr, error) {
	loop := p.tok.text
	if p.tok.kind != name {
		return nil, p.unexpected("a name")
	}
	p.advance()
	if err := p.expectName("in"); err != nil {
		return nil, err
	}
	over, err := p.expression()
	if err != nil {
		return nil, err
	}
	return mapped(each, loop, over), p.expect("]")
}

// dict reads what follows "{".
func (p *parser) dict() (expr, error) {
	var keys, values []expr
	for !p.accept("}") {
		if len(keys) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		k, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		keys, values = append(keys, k), append(values, v)
	}
	return dictOf(keys, values), nil
}
