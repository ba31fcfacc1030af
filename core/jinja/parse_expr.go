package jinja

import "strings"

// tupleOptions says how a list of expressions without brackets of its own is read.
type tupleOptions struct {
	simplified bool     // names and literals only: an assignment's target
	namespace  bool     // ns.attr may stand among them
	noCond     bool     // without "a if b else c"
	explicit   bool     // in parentheses, so that it may be empty
	end        []string // tokens that end it
}

func (p *parser) tuple(o tupleOptions) expr {
	line := p.current.line
	var items []expr
	isTuple := false
	for {
		if len(items) > 0 {
			p.expect(",")
		}
		if p.tupleEnds(o.end) {
			break
		}
		items = append(items, p.tupleItem(o))
		if p.current.typ != "," {
			break
		}
		isTuple = true
		line = p.current.line
	}
	if !isTuple {
		if len(items) > 0 {
			return items[0]
		}
		if !o.explicit {
			p.fail(p.current.line, "Expected an expression, got %s", reprString(p.current.describe()))
		}
	}
	return &tupleExpr{pos(line), items}
}

func (p *parser) tupleItem(o tupleOptions) expr {
	switch {
	case o.simplified:
		return p.primary(o.namespace)
	case o.noCond:
		return p.or()
	}
	return p.expression()
}

func (p *parser) tupleEnds(end []string) bool {
	switch p.current.typ {
	case tokenVariableEnd, tokenBlockEnd, ")":
		return true
	}
	return p.current.isAny(end)
}

func (p *parser) assignName() *nameExpr {
	t := p.expect("name")
	switch t.text {
	case "true", "false", "none", "True", "False", "None":
		p.fail(t.line, "can't assign to 'name'")
	}
	return &nameExpr{pos: pos(t.line), name: t.text}
}

func (p *parser) assignTarget(end []string, namespace bool) expr {
	target := p.tuple(tupleOptions{simplified: true, namespace: namespace, end: end})
	if kind, ok := unassignable(target); ok {
		p.fail(target.line(), "can't assign to '%s'", kind)
	}
	return target
}

// unassignable names the kind of a target that cannot be assigned to.
func unassignable(target expr) (kind string, bad bool) {
	switch t := target.(type) {
	case *nameExpr, *nsExpr:
		return "", false
	case *tupleExpr:
		for _, item := range t.items {
			if _, bad := unassignable(item); bad {
				return "tuple", true
			}
		}
		return "", false
	case *constExpr:
		return "const", true
	case *listExpr:
		return "list", true
	}
	return "dict", true
}

func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	line := p.current.line
	x := p.or()
	for n := 0; p.skipIf("name:if"); n++ {
		p.chain(n)
		c := &condExpr{pos: pos(line), then: x, test: p.or()}
		if p.skipIf("name:else") {
			c.orelse = p.expression()
		}
		x = c
		line = p.current.line
	}
	return x
}

func (p *parser) or() expr {
	line := p.current.line
	left := p.and()
	for n := 0; p.skipIf("name:or"); n++ {
		p.chain(n)
		left = &logicExpr{pos(line), false, left, p.and()}
		line = p.current.line
	}
	return left
}

func (p *parser) and() expr {
	line := p.current.line
	left := p.not()
	for n := 0; p.skipIf("name:and"); n++ {
		p.chain(n)
		left = &logicExpr{pos(line), true, left, p.not()}
		line = p.current.line
	}
	return left
}

func (p *parser) not() expr {
	if !p.current.is("name:not") {
		return p.compare()
	}
	p.enter()
	defer p.leave()
	line := p.advance().line
	return &notExpr{pos(line), p.not()}
}

func (p *parser) compare() expr {
	c := &compareExpr{pos: pos(p.current.line), first: p.sum()}
	for {
		op := string(p.current.typ)
		switch {
		case op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=":
			p.advance()
		case p.skipIf("name:in"):
			op = "in"
		case p.current.is("name:not") && p.look().is("name:in"):
			p.advance()
			p.advance()
			op = "not in"
		case len(c.ops) == 0:
			return c.first
		default:
			return c
		}
		c.ops = append(c.ops, op)
		c.rest = append(c.rest, p.sum())
		c.pos = pos(p.current.line)
	}
}

// binary reads a left-associative chain of the operators.
func (p *parser) binary(operand func() expr, ops ...string) expr {
	line := p.current.line
	left := operand()
	for n := 0; p.current.isAny(ops); n++ {
		p.chain(n)
		op := string(p.advance().typ)
		left = &binaryExpr{pos(line), op, left, operand()}
		line = p.current.line
	}
	return left
}

func (p *parser) sum() expr { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() expr {
	line := p.current.line
	items := []expr{p.product()}
	for p.skipIf("~") {
		items = append(items, p.product())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &concatExpr{pos(line), items}
}

func (p *parser) product() expr { return p.binary(p.power, "*", "/", "//", "%") }

// power chains from the left, unlike Python's.
func (p *parser) power() expr {
	return p.binary(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(withFilter bool) expr {
	p.enter()
	defer p.leave()
	t := p.current
	var x expr
	if t.typ == "-" || t.typ == "+" {
		p.advance()
		x = &unaryExpr{pos(t.line), string(t.typ), p.unary(false)}
	} else {
		x = p.primary(false)
	}
	x = p.postfix(x)
	if withFilter {
		x = p.filterChain(x)
	}
	return x
}

func (p *parser) primary(namespace bool) expr {
	t := p.current
	switch t.typ {
	case tokenName:
		return p.namePrimary(namespace)
	case tokenString:
		var b strings.Builder
		for p.current.typ == tokenString {
			b.WriteString(p.advance().text)
		}
		return &constExpr{pos(t.line), b.String()}
	case tokenInteger, tokenFloat:
		p.advance()
		return &constExpr{pos(t.line), t.value}
	case "(":
		p.enter()
		defer p.leave()
		p.advance()
		x := p.tuple(tupleOptions{explicit: true})
		p.expect(")")
		return x
	case "[":
		return p.list()
	case "{":
		return p.dict()
	}
	p.fail(t.line, "unexpected %s", reprString(t.describe()))
	return nil
}

func (p *parser) namePrimary(namespace bool) expr {
	t := p.advance()
	switch t.text {
	case "true", "True":
		return &constExpr{pos(t.line), true}
	case "false", "False":
		return &constExpr{pos(t.line), false}
	case "none", "None":
		return &constExpr{pos(t.line), nil}
	}
	if namespace && p.skipIf(".") {
		return &nsExpr{pos: pos(t.line), name: t.text, attr: p.expect("name").text}
	}
	return &nameExpr{pos: pos(t.line), name: t.text}
}

func (p *parser) list() expr {
	x := &listExpr{pos: pos(p.advance().line)}
	for p.current.typ != "]" {
		if len(x.items) > 0 {
			p.expect(",")
			if p.current.typ == "]" {
				break
			}
		}
		x.items = append(x.items, p.expression())
	}
	p.expect("]")
	return x
}

func (p *parser) dict() expr {
	x := &dictExpr{pos: pos(p.advance().line)}
	for p.current.typ != "}" {
		if len(x.keys) > 0 {
			p.expect(",")
			if p.current.typ == "}" {
				break
			}
		}
		x.keys = append(x.keys, p.expression())
		p.expect(":")
		x.values = append(x.values, p.expression())
	}
	p.expect("}")
	return x
}

// postfix reads subscripts and calls.
func (p *parser) postfix(x expr) expr {
	for n := 0; ; n++ {
		p.chain(n)
		switch p.current.typ {
		case ".", "[":
			x = p.subscript(x)
		case "(":
			x = p.call(x)
		default:
			return x
		}
	}
}

// filterChain reads filters, tests and calls.
func (p *parser) filterChain(x expr) expr {
	for n := 0; ; n++ {
		p.chain(n)
		switch {
		case p.current.typ == "|":
			x = p.filters(x)
		case p.current.is("name:is"):
			x = p.test(x)
		case p.current.typ == "(":
			x = p.call(x)
		default:
			return x
		}
	}
}

func (p *parser) subscript(x expr) expr {
	t := p.advance()
	if t.typ == "." {
		attr := p.advance()
		switch attr.typ {
		case tokenName:
			return &getattrExpr{pos(t.line), x, attr.text}
		case tokenInteger:
			return &getitemExpr{pos(t.line), x, &constExpr{pos(attr.line), attr.value}}
		}
		p.fail(attr.line, "expected name or number")
	}
	var items []expr
	for p.current.typ != "]" {
		if len(items) > 0 {
			p.expect(",")
		}
		items = append(items, p.subscribed())
	}
	p.expect("]")
	if len(items) == 1 {
		return &getitemExpr{pos(t.line), x, items[0]}
	}
	return &getitemExpr{pos(t.line), x, &tupleExpr{pos(t.line), items}}
}

// subscribed reads an index or slice.
func (p *parser) subscribed() expr {
	s := &sliceExpr{pos: pos(p.current.line)}
	if p.current.typ != ":" {
		x := p.expression()
		if p.current.typ != ":" {
			return x
		}
		s.start = x
	}
	p.advance()
	if !p.current.isAny([]string{":", "]", ","}) {
		s.stop = p.expression()
	}
	if p.skipIf(":") && !p.current.isAny([]string{"]", ","}) {
		s.step = p.expression()
	}
	return s
}

func (p *parser) call(x expr) expr {
	line := p.current.line
	return &callExpr{pos(line), x, p.callArgs()}
}

func (p *parser) callArgs() callArgs {
	var a callArgs
	line := p.expect("(").line
	ensure := func(ok bool) {
		if !ok {
			p.fail(line, "invalid syntax for function call expression")
		}
	}
	for n := 0; p.current.typ != ")"; n++ {
		if n > 0 {
			p.expect(",")
			if p.current.typ == ")" {
				break
			}
		}
		switch {
		case p.skipIf("*"):
			ensure(a.dynPos == nil && a.dynKw == nil)
			a.dynPos = p.expression()
		case p.skipIf("**"):
			ensure(a.dynKw == nil)
			a.dynKw = p.expression()
		case p.current.typ == tokenName && p.look().typ == "=":
			ensure(a.dynKw == nil)
			p.keyword(&a)
		default:
			ensure(a.dynPos == nil && a.dynKw == nil && len(a.kw) == 0)
			a.pos = append(a.pos, p.expression())
		}
	}
	p.expect(")")
	return a
}

func (p *parser) keyword(a *callArgs) {
	t := p.advance()
	p.advance()
	for _, name := range a.names {
		if name == t.text {
			p.failKind("SyntaxError", t.line, "keyword argument repeated: %s", name)
		}
	}
	a.names = append(a.names, t.text)
	a.kw = append(a.kw, p.expression())
}

// filters reads "|name(...)" as often as it comes.
func (p *parser) filters(x expr) expr {
	for n := 0; p.skipIf("|"); n++ {
		p.chain(n)
		x = p.filterCall(x)
	}
	return x
}

func (p *parser) filterCall(x expr) *filterExpr {
	line := p.current.line
	f := &filterExpr{pos: pos(line), x: x, name: p.dottedName()}
	if p.current.typ == "(" {
		f.args = p.callArgs()
	}
	return f
}

func (p *parser) dottedName() string {
	name := p.expect("name").text
	for p.skipIf(".") {
		name += "." + p.expect("name").text
	}
	return name
}

func (p *parser) test(x expr) expr {
	line := p.advance().line
	negated := p.skipIf("name:not")
	t := &testExpr{pos: pos(line), x: x, name: p.dottedName()}
	switch {
	case p.current.typ == "(":
		t.args = p.callArgs()
	case p.testHasArgument():
		if p.current.is("name:is") {
			p.fail(p.current.line, "You cannot chain multiple tests with is")
		}
		t.args.pos = []expr{p.postfix(p.primary(false))}
	}
	if negated {
		return &notExpr{pos(line), t}
	}
	return t
}

func (p *parser) testHasArgument() bool {
	switch p.current.typ {
	case tokenName:
		return !p.current.isAny([]string{"name:else", "name:or", "name:and"})
	case tokenString, tokenInteger, tokenFloat, "[", "{":
		return true
	}
	return false
}
