package jinja

// Func is a function or a bound method.
type Func struct {
	kind string // Python's type name
	name string
	call func(rt *runtime, a *args) (Value, error)
}

func function(name string, call func(rt *runtime, a *args) (Value, error)) *Func {
	return &Func{"function", name, call}
}

func method(name string, call func(rt *runtime, a *args) (Value, error)) *Func {
	return &Func{"builtin_function_or_method", name, call}
}

// callable is Python's callable(v).
func callable(v Value) bool {
	switch v.(type) {
	case *Func, *Macro, *loopContext, *joiner, *Undefined:
		return true
	}
	return false
}

// call calls a value.
func (rt *runtime) call(f Value, a *args) (Value, error) {
	if err := rt.enter(); err != nil {
		return nil, err
	}
	defer rt.leave()
	switch f := f.(type) {
	case *Func:
		return f.call(rt, a)
	case *Macro:
		return rt.callMacro(f, a)
	case *loopContext:
		return f.call(a)
	case *joiner:
		return f.call(a)
	case *Undefined:
		return nil, f.fail()
	}
	return nil, typeError("'%s' object is not callable", typeName(f))
}

// args evaluates the arguments of a call.
func (rt *runtime) args(a callArgs, s *scope) (*args, error) {
	out := &args{}
	var err error
	if out.pos, err = rt.evalAll(a.pos, s); err != nil {
		return nil, err
	}
	if a.dynPos != nil {
		if err := rt.starArgs(a.dynPos, s, out); err != nil {
			return nil, err
		}
	}
	for i, x := range a.kw {
		v, err := rt.eval(x, s)
		if err != nil {
			return nil, err
		}
		out.kw = append(out.kw, keyword{a.names[i], v})
	}
	if a.dynKw != nil {
		return out, rt.starKeywords(a.dynKw, s, out)
	}
	return out, nil
}

func (rt *runtime) starArgs(x expr, s *scope, out *args) error {
	v, err := rt.eval(x, s)
	if err != nil {
		return err
	}
	if _, err := rt.iterate(v); err != nil {
		return typeError("Value after * must be an iterable, not %s", typeName(v))
	}
	more, err := rt.list(v)
	out.pos = append(out.pos, more...)
	return err
}

func (rt *runtime) starKeywords(x expr, s *scope, out *args) error {
	v, err := rt.eval(x, s)
	if err != nil {
		return err
	}
	o, ok := v.(*Object)
	if !ok {
		return typeError("jinja2.sandbox.SandboxedEnvironment.call() argument after ** must be a mapping, not %s", typeName(v))
	}
	for i, key := range o.keys {
		name, ok := text(key)
		if !ok {
			return typeError("keywords must be strings")
		}
		for _, k := range out.kw {
			if k.name == name {
				return typeError("jinja2.sandbox.SandboxedEnvironment.call() got multiple values for keyword argument %s", reprString(name))
			}
		}
		out.kw = append(out.kw, keyword{name, o.values[i]})
	}
	return nil
}

// Macro is a macro of the template, or the caller of a call block, which has no name.
type Macro struct {
	name  string
	body  *macroBody
	scope *scope // where it was defined
}

func (m *Macro) repr() string {
	if m.name == "" {
		return "<Macro anonymous>"
	}
	return "<Macro " + reprString(m.name) + ">"
}

// nameRepr is the macro's name in a message.
func (m *Macro) nameRepr() string {
	if m.name == "" {
		return "None"
	}
	return reprString(m.name)
}

// callMacro gives the parameters their values by the rules of jinja2.runtime.Macro and renders the body.
func (rt *runtime) callMacro(m *Macro, a *args) (Value, error) {
	if err := rt.alloc(objectSize + itemSize*len(m.body.frame.loads)); err != nil {
		return nil, err
	}
	s := rt.newScope(m.body.frame, m.scope)
	explicitCaller := m.setParams(s, a)
	if m.body.caller >= 0 && !explicitCaller {
		caller, ok := a.take("caller")
		if !ok || caller == nil {
			caller = &Undefined{hint: "No caller defined", obj: missing, name: "caller"}
		}
		s.vars[m.body.caller] = caller
	}
	if err := m.setRest(s, a); err != nil {
		return nil, err
	}
	rt.enterScope(m.body.frame, s)
	return rt.capture(func() error {
		if err := rt.defaults(m.body, s); err != nil {
			return err
		}
		_, err := rt.statements(m.body.body, s)
		return err
	})
}

// setParams sets the named parameters, and says whether caller was asked for among them.
func (m *Macro) setParams(s *scope, a *args) (explicitCaller bool) {
	for i, param := range m.body.params {
		if i < len(a.pos) {
			s.vars[param.ref.slot] = a.pos[i]
			continue
		}
		if param.name == "caller" {
			explicitCaller = true
		}
		if v, ok := a.take(param.name); ok {
			s.vars[param.ref.slot] = v
		}
	}
	if len(a.pos) >= len(m.body.params) {
		for _, param := range m.body.params {
			explicitCaller = explicitCaller || param.name == "caller"
		}
	}
	return explicitCaller
}

// setRest sets varargs and kwargs from the arguments left, which are an error where the macro does not use them.
func (m *Macro) setRest(s *scope, a *args) error {
	n := len(m.body.params)
	if m.body.kwargs >= 0 {
		kwargs := NewObject()
		for _, k := range a.kw {
			kwargs.Set(k.name, k.value)
		}
		s.vars[m.body.kwargs] = kwargs
	} else if len(a.kw) > 0 {
		for _, k := range a.kw {
			if k.name == "caller" {
				return typeError("macro %s was invoked with two values for the special caller argument."+
					" This is most likely a bug.", m.nameRepr())
			}
		}
		return typeError("macro %s takes no keyword argument %s", m.nameRepr(), reprString(a.kw[0].name))
	}
	if m.body.varargs >= 0 {
		s.vars[m.body.varargs] = newTuple(a.pos[min(n, len(a.pos)):]...)
	} else if len(a.pos) > n {
		return typeError("macro %s takes not more than %d argument(s)", m.nameRepr(), n)
	}
	return nil
}

// defaults evaluates what stands for the parameters that were not given.
func (rt *runtime) defaults(m *macroBody, s *scope) error {
	first := len(m.params) - len(m.defaults)
	for i, param := range m.params {
		if s.vars[param.ref.slot] != missing {
			continue
		}
		if i < first {
			s.vars[param.ref.slot] = &Undefined{
				hint: "parameter " + reprString(param.name) + " was not provided", obj: missing, name: param.name}
			continue
		}
		v, err := rt.eval(m.defaults[i-first], s)
		if err != nil {
			return err
		}
		s.vars[param.ref.slot] = v
	}
	return nil
}
