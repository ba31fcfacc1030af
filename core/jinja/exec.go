package jinja

import "unicode/utf8"

// jump says how a statement left its body.
type jump int

const (
	jumpNone jump = iota
	jumpBreak
	jumpContinue
)

// scope holds the variables of one frame.
type scope struct {
	parent *scope
	vars   []Value
}

// newScope makes a scope whose variables are all missing.
func (rt *runtime) newScope(f *frame, parent *scope) *scope {
	s := &scope{parent: parent, vars: make([]Value, len(f.loads))}
	for i := range s.vars {
		s.vars[i] = missing
	}
	return s
}

// enterScope sets the variables that come from the context or from an outer scope.
func (rt *runtime) enterScope(f *frame, s *scope) {
	for _, l := range f.loads {
		switch l.kind {
		case loadResolve:
			s.vars[l.slot] = rt.resolve(l.name)
		case loadAlias:
			s.vars[l.slot] = *s.at(l.from)
		case loadUndefined:
			s.vars[l.slot] = missing
		}
	}
}

func (s *scope) at(r ref) *Value {
	for range r.up {
		s = s.parent
	}
	return &s.vars[r.slot]
}

// resolve is a name of the context or a global function.
func (rt *runtime) resolve(name string) Value {
	if v, ok := rt.vars.Get(name); ok {
		return v
	}
	if f, ok := rt.env.function(name); ok {
		return f
	}
	return missing
}

func (rt *runtime) statements(body []stmt, s *scope) (jump, error) {
	for _, st := range body {
		if err := rt.use(1); err != nil {
			return jumpNone, at(err, st.line())
		}
		j, err := rt.statement(st, s)
		if err != nil {
			return jumpNone, at(err, st.line())
		}
		if j != jumpNone {
			return j, nil
		}
	}
	return jumpNone, nil
}

func (rt *runtime) statement(st stmt, s *scope) (jump, error) {
	switch st := st.(type) {
	case *outputStmt:
		return jumpNone, rt.output(st, s)
	case *ifStmt:
		return rt.ifStatement(st, s)
	case *forStmt:
		return jumpNone, rt.forStatement(st, s)
	case *setStmt:
		return jumpNone, rt.setStatement(st, s)
	case *setBlockStmt:
		return jumpNone, rt.setBlock(st, s)
	case *macroStmt:
		*s.at(st.target.ref) = &Macro{st.target.name, &st.macroBody, s}
		return jumpNone, nil
	case *callStmt:
		return jumpNone, rt.callBlock(st, s)
	case *filterStmt:
		return jumpNone, rt.filterBlock(st, s)
	case *withStmt:
		return rt.withStatement(st, s)
	case *jumpStmt:
		return st.jump, nil
	}
	return jumpNone, unsupported("a statement of type %T", st)
}

func (rt *runtime) output(st *outputStmt, s *scope) error {
	for _, x := range st.items {
		if t, ok := x.(*textExpr); ok {
			if err := rt.write(t.text); err != nil {
				return err
			}
			continue
		}
		v, err := rt.eval(x, s)
		if err != nil {
			return err
		}
		if err := rt.print(v); err != nil {
			return at(err, x.line())
		}
	}
	return nil
}

func (rt *runtime) print(v Value) error {
	text, err := rt.str(v)
	if err != nil {
		return err
	}
	return rt.write(text)
}

func (rt *runtime) ifStatement(st *ifStmt, s *scope) (jump, error) {
	v, err := rt.eval(st.test, s)
	if err != nil {
		return jumpNone, err
	}
	if truth(v) {
		return rt.statements(st.body, s)
	}
	for _, elif := range st.elifs {
		v, err := rt.eval(elif.test, s)
		if err != nil {
			return jumpNone, err
		}
		if truth(v) {
			return rt.statements(elif.body, s)
		}
	}
	return rt.statements(st.orelse, s)
}

func (rt *runtime) forStatement(st *forStmt, s *scope) error {
	v, err := rt.eval(st.iter, s)
	if err != nil {
		return err
	}
	if !st.recursive {
		return rt.loop(st, s, v, 0)
	}
	text, err := rt.recursiveLoop(st, s, v, 0)
	if err != nil {
		return err
	}
	return rt.write(text)
}

func (rt *runtime) recursiveLoop(st *forStmt, s *scope, v Value, depth int) (string, error) {
	return rt.capture(func() error { return rt.loop(st, s, v, depth) })
}

// loop runs a for statement over a value.
func (rt *runtime) loop(st *forStmt, s *scope, v Value, depth int) error {
	if st.test != nil {
		filtered, err := rt.loopTest(st, s, v)
		if err != nil {
			return err
		}
		v = filtered
	}
	l, err := newLoop(rt, v, depth)
	if err != nil {
		return err
	}
	if st.recursive {
		l.recurse = func(v Value, depth int) (string, error) { return rt.recursiveLoop(st, s, v, depth) }
	}
	completed := false // some iteration came to the body's end
	for {
		item, ok, err := l.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		j, err := rt.iteration(st, s, l, item)
		if err != nil {
			return err
		}
		if j == jumpBreak {
			break
		}
		completed = completed || j == jumpNone
	}
	if completed || len(st.orelse) == 0 {
		return nil
	}
	inner := rt.newScope(st.elseFrame, s)
	rt.enterScope(st.elseFrame, inner)
	_, err = rt.statements(st.orelse, inner)
	return err
}

func (rt *runtime) iteration(st *forStmt, s *scope, l *loopContext, item Value) (jump, error) {
	if err := rt.alloc(objectSize + itemSize*len(st.bodyFrame.loads)); err != nil {
		return jumpNone, err
	}
	inner := rt.newScope(st.bodyFrame, s)
	if st.loop >= 0 {
		inner.vars[st.loop] = l
	}
	if err := rt.assign(st.target, item, inner); err != nil {
		return jumpNone, err
	}
	rt.enterScope(st.bodyFrame, inner)
	return rt.statements(st.body, inner)
}

// loopTest lets through the items that a for statement's if holds for.
func (rt *runtime) loopTest(st *forStmt, s *scope, v Value) (*Iterator, error) {
	inner := rt.newScope(st.testFrame, s)
	rt.enterScope(st.testFrame, inner)
	return rt.filtered(v, func(item Value) (bool, error) {
		if err := rt.assign(st.testTarget, item, inner); err != nil {
			return false, err
		}
		keep, err := rt.eval(st.test, inner)
		return truth(keep), err
	})
}

// filtered is the generator of the items that keep holds for.
func (rt *runtime) filtered(v Value, keep func(Value) (bool, error)) (*Iterator, error) {
	it, err := rt.iterate(v)
	if err != nil {
		return nil, err
	}
	return &Iterator{kind: "generator", next: func() (Value, bool, error) {
		for {
			item, ok, err := it.next()
			if err != nil || !ok {
				return nil, false, err
			}
			if err := rt.use(1); err != nil {
				return nil, false, err
			}
			if keep, err := keep(item); err != nil || keep {
				return item, keep, err
			}
		}
	}}, nil
}

// assign gives the names of a target their values.
func (rt *runtime) assign(target expr, v Value, s *scope) error {
	switch t := target.(type) {
	case *nameExpr:
		*s.at(t.ref) = v
		return nil
	case *nsExpr:
		ns, ok := (*s.at(t.ref)).(*Namespace)
		if !ok {
			return errNotNamespace
		}
		return ns.set(t.attr, v)
	}
	targets := target.(*tupleExpr).items
	values, err := rt.unpack(v, len(targets))
	if err != nil {
		return err
	}
	for i, t := range targets {
		if err := rt.assign(t, values[i], s); err != nil {
			return err
		}
	}
	return nil
}

var errNotNamespace = raise("TemplateRuntimeError", "cannot assign attribute on non-namespace object")

// checkNamespaces makes sure, before the value is computed, that what gets attributes is a namespace.
func checkNamespaces(target expr, s *scope) error {
	switch t := target.(type) {
	case *nsExpr:
		if _, ok := (*s.at(t.ref)).(*Namespace); !ok {
			return errNotNamespace
		}
	case *tupleExpr:
		for _, item := range t.items {
			if err := checkNamespaces(item, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (rt *runtime) setStatement(st *setStmt, s *scope) error {
	if err := checkNamespaces(st.target, s); err != nil {
		return err
	}
	v, err := rt.eval(st.value, s)
	if err != nil {
		return err
	}
	return rt.assign(st.target, v, s)
}

// captureBody renders a body in a scope of its own.
func (rt *runtime) captureBody(f *frame, body []stmt, s *scope) (string, *scope, error) {
	inner := rt.newScope(f, s)
	rt.enterScope(f, inner)
	text, err := rt.capture(func() error {
		_, err := rt.statements(body, inner)
		return err
	})
	return text, inner, err
}

func (rt *runtime) setBlock(st *setBlockStmt, s *scope) error {
	text, inner, err := rt.captureBody(st.frame, st.body, s)
	if err != nil {
		return err
	}
	var v Value = text
	if st.filter != nil {
		if v, err = rt.filter(st.filter, inner, text); err != nil {
			return err
		}
	}
	return rt.assign(st.target, v, s)
}

func (rt *runtime) filterBlock(st *filterStmt, s *scope) error {
	text, inner, err := rt.captureBody(st.frame, st.body, s)
	if err != nil {
		return err
	}
	v, err := rt.filter(st.filter, inner, text)
	if err != nil {
		return err
	}
	return rt.print(v)
}

func (rt *runtime) withStatement(st *withStmt, s *scope) (jump, error) {
	inner := rt.newScope(st.frame, s)
	rt.enterScope(st.frame, inner)
	for i, target := range st.targets {
		v, err := rt.eval(st.values[i], s)
		if err != nil {
			return jumpNone, err
		}
		if err := rt.assign(target, v, inner); err != nil {
			return jumpNone, err
		}
	}
	return rt.statements(st.body, inner)
}

// callBlock calls a macro with the block's body as its caller; a generation block renders its body and notes where.
func (rt *runtime) callBlock(st *callStmt, s *scope) error {
	caller := &Macro{"", &st.macroBody, s}
	if st.call == nil {
		return rt.generation(caller)
	}
	fn, err := rt.eval(st.call.fn, s)
	if err != nil {
		return err
	}
	a, err := rt.args(st.call.args, s)
	if err != nil {
		return err
	}
	a.kw = append(a.kw, keyword{"caller", caller})
	v, err := rt.call(fn, a)
	if err != nil {
		return err
	}
	return rt.print(v)
}

// generation notes the span as transformers does, from the end of the template's own output so far; within a macro
// that is where the macro was called.
func (rt *runtime) generation(caller *Macro) error {
	v, err := rt.call(caller, &args{})
	if err != nil {
		return err
	}
	start := utf8.RuneCountInString(rt.root.String())
	if err := rt.use(rt.root.Len() / 8); err != nil {
		return err
	}
	rt.spans = append(rt.spans, [2]int{start, start + utf8.RuneCountInString(v.(string))})
	return rt.write(v.(string))
}
