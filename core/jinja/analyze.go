package jinja

// analysis gives every statement its frames and every name its place, and refuses the filters and tests that are
// not there, as Jinja's compiler does.
type analysis struct {
	env *Environment
	err error
}

// analyze prepares the statements of a template for execution and returns the root's frame.
func (e *Environment) analyze(body []stmt) (*frame, error) {
	s := newSymbols(nil)
	s.statements(body)
	root := s.frame()
	a := &analysis{env: e}
	a.statements(body, root, false)
	return root, a.err
}

func (a *analysis) fail(kind string, line int, format string, args ...any) {
	if a.err == nil {
		a.err = at(raise(kind, format, args...), line)
	}
}

func (a *analysis) statements(body []stmt, f *frame, soft bool) {
	for _, st := range body {
		a.statement(st, f, soft)
	}
}

// statement resolves one statement in its frame. soft says that it stands in an if, where an unknown filter is an
// error only once it is reached.
func (a *analysis) statement(st stmt, f *frame, soft bool) {
	switch st := st.(type) {
	case *outputStmt:
		a.exprs(st.items, f, soft)
	case *ifStmt:
		a.expr(st.test, f, true)
		a.statements(st.body, f, true)
		for _, elif := range st.elifs {
			a.statement(elif, f, true)
		}
		a.statements(st.orelse, f, true)
	case *forStmt:
		a.forStatement(st, f, soft)
	case *macroStmt:
		a.function(&st.macroBody, f, st.line())
		a.target(st.target, f)
	case *callStmt:
		a.function(&st.macroBody, f, st.line())
		if st.call != nil {
			a.expr(st.call, f, soft)
		}
	case *filterStmt:
		st.frame = a.inner(f, st.body)
		a.statements(st.body, st.frame, false)
		a.expr(st.filter, st.frame, false)
	case *setStmt:
		a.expr(st.value, f, soft)
		a.target(st.target, f)
	case *setBlockStmt:
		st.frame = a.inner(f, st.body)
		a.statements(st.body, st.frame, false)
		a.target(st.target, f)
		if st.filter != nil {
			a.expr(st.filter, st.frame, false)
		}
	case *withStmt:
		a.withStatement(st, f, soft)
	}
}

// inner is the frame of a body without variables of its own.
func (a *analysis) inner(f *frame, body []stmt) *frame {
	s := newSymbols(f)
	s.statements(body)
	return s.frame()
}

func (a *analysis) withStatement(st *withStmt, f *frame, soft bool) {
	s := newSymbols(f)
	for _, target := range st.targets {
		s.target(target, s.param)
	}
	s.statements(st.body)
	st.frame = s.frame()
	for i, target := range st.targets {
		a.target(target, st.frame)
		a.expr(st.values[i], f, soft)
	}
	a.statements(st.body, st.frame, false)
}

func (a *analysis) forStatement(st *forStmt, f *frame, soft bool) {
	s := newSymbols(f)
	extended := st.recursive || undeclared(st.body, "loop")["loop"]
	if extended {
		s.param("loop")
	}
	s.target(st.target, s.param)
	s.statements(st.body)
	st.bodyFrame = s.frame()
	if extended {
		st.loop = st.bodyFrame.slots["loop"]
	}
	statementUsages(st, func(u usage) {
		if u.store && u.name == "loop" {
			a.fail("TemplateAssertionError", u.line, "Can't assign to special loop variable in for-loop target")
		}
	})
	a.target(st.target, st.bodyFrame)
	if st.test != nil {
		t := newSymbols(f)
		t.target(st.target, t.param)
		t.expr(st.test)
		st.testFrame = t.frame()
		st.testTarget = cloneTarget(st.target)
		a.target(st.testTarget, st.testFrame)
		a.expr(st.test, st.testFrame, false)
	}
	a.expr(st.iter, f, soft && !st.recursive)
	a.statements(st.body, st.bodyFrame, false)
	st.elseFrame = a.inner(f, st.orelse)
	a.statements(st.orelse, st.elseFrame, false)
}

// cloneTarget copies an assignment's target, so that it can be resolved in a second frame.
func cloneTarget(target expr) expr {
	switch t := target.(type) {
	case *nameExpr:
		c := *t
		return &c
	case *tupleExpr:
		c := &tupleExpr{pos: t.pos}
		for _, item := range t.items {
			c.items = append(c.items, cloneTarget(item))
		}
		return c
	}
	return target
}

// function resolves the body of a macro or call block.
func (a *analysis) function(m *macroBody, f *frame, line int) {
	s := newSymbols(f)
	params := map[string]bool{}
	for _, param := range m.params {
		s.param(param.name)
		params[param.name] = true
	}
	used := undeclared(m.body, "caller", "kwargs", "varargs")
	if used["caller"] && params["caller"] && !m.hasDefault("caller") {
		a.fail("TemplateAssertionError", line, `When defining macros or call blocks the special "caller" argument must be`+
			` omitted or be given a default.`)
	}
	for _, name := range []string{"caller", "kwargs", "varargs"} {
		if used[name] && !params[name] {
			s.param(name)
		}
	}
	s.exprs(m.defaults)
	s.statements(m.body)
	m.frame = s.frame()
	special := func(name string) int {
		if used[name] && !params[name] {
			return m.frame.slots[name]
		}
		return -1
	}
	m.caller, m.kwargs, m.varargs = special("caller"), special("kwargs"), special("varargs")
	for _, param := range m.params {
		a.target(param, m.frame)
	}
	a.exprs(m.defaults, m.frame, false)
	a.statements(m.body, m.frame, false)
}

func (m *macroBody) hasDefault(name string) bool {
	for i, param := range m.params {
		if param.name == name {
			return i >= len(m.params)-len(m.defaults)
		}
	}
	return false
}

func (a *analysis) target(target expr, f *frame) {
	switch t := target.(type) {
	case *nameExpr:
		t.ref, _ = f.find(t.name)
	case *nsExpr:
		t.ref, _ = f.find(t.name)
	case *tupleExpr:
		for _, item := range t.items {
			a.target(item, f)
		}
	}
}

func (a *analysis) exprs(xs []expr, f *frame, soft bool) {
	for _, x := range xs {
		a.expr(x, f, soft)
	}
}

func (a *analysis) expr(x expr, f *frame, soft bool) {
	switch x := x.(type) {
	case nil:
		return
	case *nameExpr:
		x.ref, _ = f.find(x.name)
	case *condExpr:
		soft = true
	case *filterExpr:
		a.known("filter", x.name, a.env.filter(x.name) != nil, omittedFilters[x.name], x.line(), soft)
	case *testExpr:
		a.known("test", x.name, tests[x.name] != nil, false, x.line(), soft)
	}
	for _, child := range children(x) {
		a.expr(child, f, soft)
	}
}

// known refuses a filter or test that is not there; in an if, Jinja looks only when it gets there.
func (a *analysis) known(kind, name string, there, omitted bool, line int, soft bool) {
	switch {
	case there:
	case omitted:
		a.fail(Unsupported, line, "the filter %q", name)
	case !soft:
		a.fail("TemplateAssertionError", line, "No %s named %s.", kind, reprString(name))
	}
}
