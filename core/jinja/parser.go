package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds on how deep and how long what a template writes may nest, far above real templates'; Python's recursion
// limit stands in their place in Jinja.
const (
	maxNesting = 200
	maxChain   = 2000
)

// parser turns tokens into statements by the rules of jinja2/parser.py. A fault ends it by a panic with an *Error,
// which parse turns back into an error.
type parser struct {
	env       *Environment
	tokens    []token
	next      int
	current   token
	tags      []string   // the statements begun
	endTokens [][]string // the tags that end the bodies being read
	nesting   int
	loops     int // loops around the statement being read, within its function
}

// parse reads a template's statements.
func (e *Environment) parse(source string) (body []stmt, err error) {
	p := &parser{env: e, tokens: e.lex(source)}
	defer func() {
		if fault := recover(); fault != nil {
			e, ok := fault.(*Error)
			if !ok {
				panic(fault)
			}
			err = e
		}
	}()
	p.advance()
	body = p.subparse(nil)
	return body, nil
}

func (p *parser) failKind(kind string, line int, format string, args ...any) {
	panic(&Error{Kind: kind, Message: fmt.Sprintf(format, args...), Line: line})
}

func (p *parser) fail(line int, format string, args ...any) {
	p.failKind("TemplateSyntaxError", line, format, args...)
}

// enter counts one level of nesting; the caller defers leave.
func (p *parser) enter() {
	if p.nesting++; p.nesting > maxNesting {
		p.failKind("RecursionError", p.current.line, "maximum recursion depth exceeded")
	}
}

func (p *parser) leave() { p.nesting-- }

// chain checks the length of a chain of operators, filters or subscripts.
func (p *parser) chain(n int) {
	if n > maxChain {
		p.failKind("RecursionError", p.current.line, "maximum recursion depth exceeded")
	}
}

// advance moves to the next token and returns the one before it.
func (p *parser) advance() token {
	old := p.current
	p.current = p.tokens[p.next]
	if p.next < len(p.tokens)-1 {
		p.next++
	}
	if p.current.typ == tokenInvalid {
		panic(p.current.err)
	}
	return old
}

// look is the token after the current one.
func (p *parser) look() token {
	if p.current.typ == tokenEOF {
		return p.current
	}
	t := p.tokens[p.next]
	if t.typ == tokenInvalid {
		panic(t.err)
	}
	return t
}

func (p *parser) skipIf(expr string) bool {
	if p.current.is(expr) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(expr string) token {
	if p.current.is(expr) {
		return p.advance()
	}
	want := reprString(describeExpr(expr))
	if p.current.typ == tokenEOF {
		p.fail(p.current.line, "unexpected end of template, expected %s.", want)
	}
	p.fail(p.current.line, "expected token %s, got %s", want, reprString(p.current.describe()))
	return token{}
}

// failUnknown reports an unknown tag, or the template's end where name is empty.
func (p *parser) failUnknown(name string, line int) {
	message := "Unexpected end of template."
	if name != "" {
		message = fmt.Sprintf("Encountered unknown tag %s.", reprString(name))
	}
	if n := len(p.endTokens); n > 0 {
		var wanted []string
		for _, expr := range p.endTokens[n-1] {
			wanted = append(wanted, reprString(describeExpr(expr)))
		}
		looking := strings.Join(wanted, " or ")
		if name != "" && p.awaited(name) {
			message += " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for " + looking + "."
		} else {
			message += " Jinja was looking for the following tags: " + looking + "."
		}
	}
	if n := len(p.tags); n > 0 {
		message += fmt.Sprintf(" The innermost block that needs to be closed is %s.", reprString(p.tags[n-1]))
	}
	p.fail(line, "%s", message)
}

func (p *parser) awaited(name string) bool {
	return slices.ContainsFunc(p.endTokens, func(tags []string) bool {
		return slices.ContainsFunc(tags, func(expr string) bool { return describeExpr(expr) == name })
	})
}

// subparse reads statements until the template ends or one of the end tags comes, which stays the current token.
func (p *parser) subparse(end []string) []stmt {
	p.enter()
	defer p.leave()
	if end != nil {
		p.endTokens = append(p.endTokens, end)
		defer func() { p.endTokens = p.endTokens[:len(p.endTokens)-1] }()
	}
	var body []stmt
	var output *outputStmt
	add := func(x expr) {
		if output == nil {
			output = &outputStmt{pos: pos(x.line())}
			body = append(body, output)
		}
		output.items = append(output.items, x)
	}
	for p.current.typ != tokenEOF {
		switch p.current.typ {
		case tokenData:
			t := p.advance()
			add(&textExpr{pos(t.line), t.text})
		case tokenVariableBegin:
			p.advance()
			add(p.tuple(tupleOptions{}))
			p.expect(string(tokenVariableEnd))
		default:
			output = nil
			p.advance()
			if end != nil && p.current.isAny(end) {
				return body
			}
			body = append(body, p.statement())
			p.expect(string(tokenBlockEnd))
		}
	}
	return body
}

// body reads the statements of a block up to one of the end tags, and that tag's name as well where drop is set.
func (p *parser) body(drop bool, end ...string) []stmt {
	p.skipIf(":")
	p.expect(string(tokenBlockEnd))
	body := p.subparse(end)
	if p.current.typ == tokenEOF {
		p.endTokens = append(p.endTokens, end)
		p.failUnknown("", p.current.line)
	}
	if drop {
		p.advance()
	}
	return body
}

// function reads a body that Jinja compiles to a function of its own, out of which no loop can be left.
func (p *parser) function(end string) []stmt {
	loops := p.loops
	p.loops = 0
	defer func() { p.loops = loops }()
	return p.body(true, end)
}

// leftOut are the tags of Jinja that no template uses: they join templates or switch HTML escaping on.
var leftOut = []string{"extends", "include", "import", "from", "block", "autoescape"}

func (p *parser) statement() stmt {
	t := p.current
	if t.typ != tokenName {
		p.fail(t.line, "tag name expected")
	}
	read := map[string]func(int) stmt{
		"for": p.forStatement, "if": p.ifStatement, "set": p.setStatement, "macro": p.macroStatement,
		"call": p.callStatement, "filter": p.filterStatement, "with": p.withStatement, "print": p.printStatement,
	}[t.text]
	if slices.Contains(p.env.tags, t.text) {
		read = map[string]func(int) stmt{
			"generation": p.generationStatement, "break": p.jumpStatement, "continue": p.jumpStatement,
		}[t.text]
	}
	if slices.Contains(leftOut, t.text) {
		p.failKind(Unsupported, t.line, "the tag %q", t.text)
	}
	if read == nil {
		p.failUnknown(t.text, t.line)
	}
	p.tags = append(p.tags, t.text)
	defer func() { p.tags = p.tags[:len(p.tags)-1] }()
	return read(t.line)
}

func (p *parser) setStatement(line int) stmt {
	p.advance()
	target := p.assignTarget(nil, true)
	if p.skipIf("=") {
		return &setStmt{pos(line), target, p.tuple(tupleOptions{})}
	}
	filter, _ := p.filters(nil).(*filterExpr)
	return &setBlockStmt{pos: pos(line), target: target, filter: filter, body: p.body(true, "name:endset")}
}

func (p *parser) forStatement(line int) stmt {
	p.advance()
	s := &forStmt{pos: pos(line), target: p.assignTarget([]string{"name:in"}, false), loop: -1}
	p.expect("name:in")
	s.iter = p.tuple(tupleOptions{noCond: true, end: []string{"name:recursive"}})
	if p.skipIf("name:if") {
		s.test = p.expression()
	}
	s.recursive = p.skipIf("name:recursive")
	p.loops++
	s.body = p.body(false, "name:endfor", "name:else")
	p.loops--
	if p.advance().text == "else" {
		s.orelse = p.body(true, "name:endfor")
	}
	return s
}

func (p *parser) ifStatement(line int) stmt {
	p.advance()
	result := &ifStmt{pos: pos(line)}
	node := result
	for {
		node.test = p.tuple(tupleOptions{noCond: true})
		node.body = p.body(false, "name:elif", "name:else", "name:endif")
		switch p.advance().text {
		case "elif":
			node = &ifStmt{pos: pos(p.current.line)}
			result.elifs = append(result.elifs, node)
			continue
		case "else":
			result.orelse = p.body(true, "name:endif")
		}
		return result
	}
}

func (p *parser) withStatement(line int) stmt {
	p.advance()
	s := &withStmt{pos: pos(line)}
	for p.current.typ != tokenBlockEnd {
		if len(s.targets) > 0 {
			p.expect(",")
		}
		s.targets = append(s.targets, p.assignTarget(nil, false))
		p.expect("=")
		s.values = append(s.values, p.expression())
	}
	s.body = p.body(true, "name:endwith")
	return s
}

func (p *parser) signature() signature {
	var s signature
	p.expect("(")
	for p.current.typ != ")" {
		if len(s.params) > 0 {
			p.expect(",")
		}
		param := p.assignName()
		if p.skipIf("=") {
			s.defaults = append(s.defaults, p.expression())
		} else if len(s.defaults) > 0 {
			p.fail(p.current.line, "non-default argument follows default argument")
		}
		for _, other := range s.params {
			if other.name == param.name {
				p.failKind("SyntaxError", param.line(), "duplicate argument '%s' in function definition", param.name)
			}
		}
		s.params = append(s.params, param)
	}
	p.expect(")")
	return s
}

func (p *parser) macroStatement(line int) stmt {
	p.advance()
	s := &macroStmt{pos: pos(line), target: p.assignName()}
	s.signature = p.signature()
	s.body = p.function("name:endmacro")
	return s
}

func (p *parser) callStatement(line int) stmt {
	p.advance()
	s := &callStmt{pos: pos(line)}
	if p.current.typ == "(" {
		s.signature = p.signature()
	}
	call, ok := p.expression().(*callExpr)
	if !ok {
		p.fail(line, "expected call")
	}
	s.call = call
	s.body = p.function("name:endcall")
	return s
}

func (p *parser) generationStatement(line int) stmt {
	p.advance()
	s := &callStmt{pos: pos(line)}
	s.body = p.function("name:endgeneration")
	return s
}

func (p *parser) filterStatement(line int) stmt {
	p.advance()
	filter := p.filterCall(nil)
	filter = p.filters(filter).(*filterExpr)
	return &filterStmt{pos: pos(line), filter: filter, body: p.body(true, "name:endfilter")}
}

func (p *parser) printStatement(line int) stmt {
	p.advance()
	s := &outputStmt{pos: pos(line)}
	for p.current.typ != tokenBlockEnd {
		if len(s.items) > 0 {
			p.expect(",")
		}
		s.items = append(s.items, p.expression())
	}
	return s
}

func (p *parser) jumpStatement(line int) stmt {
	word := p.advance().text
	if p.loops == 0 && word == "break" {
		p.failKind("SyntaxError", line, "'break' outside loop")
	}
	if p.loops == 0 {
		p.failKind("SyntaxError", line, "'continue' not properly in loop")
	}
	if word == "break" {
		return &jumpStmt{pos(line), jumpBreak}
	}
	return &jumpStmt{pos(line), jumpContinue}
}
