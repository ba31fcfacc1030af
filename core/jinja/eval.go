package jinja

import "strings"

// eval is the value of an expression. In a strict environment an undefined one is an error here, where it is found;
// Jinja waits until something is done with it.
func (rt *runtime) eval(x expr, s *scope) (Value, error) {
	v, err := rt.evalLoosely(x, s)
	if u, ok := v.(*Undefined); ok && err == nil && rt.env.strict && !u.lax {
		return nil, at(u.fail(), x.line())
	}
	return v, err
}

// evalLoosely lets an undefined value through.
func (rt *runtime) evalLoosely(x expr, s *scope) (Value, error) {
	if err := rt.use(1); err != nil {
		return nil, at(err, x.line())
	}
	v, err := rt.evalExpr(x, s)
	if err != nil {
		return nil, at(err, x.line())
	}
	return v, nil
}

// operand is what a filter or test stands on, undefined where that is what it is there for.
func (rt *runtime) operand(x expr, name string, s *scope) (Value, error) {
	switch name {
	case "default", "d", "defined", "undefined":
		return rt.evalLoosely(x, s)
	}
	return rt.eval(x, s)
}

func (rt *runtime) evalExpr(x expr, s *scope) (Value, error) {
	switch x := x.(type) {
	case *constExpr:
		return x.value, nil
	case *nameExpr:
		if v := *s.at(x.ref); v != missing {
			return v, nil
		}
		return undefinedName(x.name), nil
	case *tupleExpr:
		items, err := rt.evalAll(x.items, s)
		return newTuple(items...), err
	case *listExpr:
		items, err := rt.evalAll(x.items, s)
		return &List{items}, err
	case *dictExpr:
		return rt.evalDict(x, s)
	case *condExpr:
		return rt.evalCond(x, s)
	case *logicExpr:
		left, err := rt.eval(x.left, s)
		if err != nil || truth(left) != x.and {
			return left, err
		}
		return rt.eval(x.right, s)
	case *notExpr:
		v, err := rt.eval(x.x, s)
		return !truth(v), err
	case *unaryExpr:
		v, err := rt.eval(x.x, s)
		if err != nil {
			return nil, err
		}
		return unary(x.op, v)
	case *binaryExpr:
		return rt.evalBinary(x, s)
	case *compareExpr:
		return rt.evalCompare(x, s)
	case *concatExpr:
		return rt.evalConcat(x, s)
	case *getattrExpr:
		v, err := rt.eval(x.x, s)
		if err != nil {
			return nil, err
		}
		return rt.getattr(v, x.attr)
	case *getitemExpr:
		return rt.evalItem(x, s)
	case *callExpr:
		return rt.evalCall(x, s)
	case *filterExpr:
		v, err := rt.operand(x.x, x.name, s)
		if err != nil {
			return nil, err
		}
		return rt.applyFilter(x, s, v)
	case *testExpr:
		return rt.evalTest(x, s)
	}
	return nil, unsupported("an expression of type %T here", x)
}

func (rt *runtime) evalAll(xs []expr, s *scope) ([]Value, error) {
	values := make([]Value, len(xs))
	for i, x := range xs {
		v, err := rt.eval(x, s)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, rt.alloc(objectSize + itemSize*len(xs))
}

func (rt *runtime) evalDict(x *dictExpr, s *scope) (Value, error) {
	o := NewObject()
	for i := range x.keys {
		key, err := rt.eval(x.keys[i], s)
		if err != nil {
			return nil, err
		}
		v, err := rt.eval(x.values[i], s)
		if err != nil {
			return nil, err
		}
		if err := rt.put(o, key, v); err != nil {
			return nil, err
		}
	}
	return o, rt.alloc(2*objectSize + entrySize*len(x.keys))
}

func (rt *runtime) evalCond(x *condExpr, s *scope) (Value, error) {
	test, err := rt.eval(x.test, s)
	if err != nil {
		return nil, err
	}
	if truth(test) {
		return rt.eval(x.then, s)
	}
	if x.orelse != nil {
		return rt.eval(x.orelse, s)
	}
	u := undefinedHint("the inline if-expression on line " + itoa(x.line()) +
		" evaluated to false and no else section was defined.")
	u.lax = true
	return u, nil
}

func (rt *runtime) evalBinary(x *binaryExpr, s *scope) (Value, error) {
	left, err := rt.eval(x.left, s)
	if err != nil {
		return nil, err
	}
	right, err := rt.eval(x.right, s)
	if err != nil {
		return nil, err
	}
	return rt.binary(x.op, left, right)
}

// evalCompare goes through a chain a < b < c up to the first comparison that does not hold.
func (rt *runtime) evalCompare(x *compareExpr, s *scope) (Value, error) {
	left, err := rt.eval(x.first, s)
	if err != nil {
		return nil, err
	}
	for i, op := range x.ops {
		right, err := rt.eval(x.rest[i], s)
		if err != nil {
			return nil, err
		}
		holds, err := rt.compare(op, left, right)
		if err != nil || !holds {
			return false, err
		}
		left = right
	}
	return true, nil
}

func (rt *runtime) evalConcat(x *concatExpr, s *scope) (Value, error) {
	values, err := rt.evalAll(x.items, s)
	if err != nil {
		return nil, err
	}
	return rt.join("", values)
}

// join joins the texts of values.
func (rt *runtime) join(separator string, values []Value) (string, error) {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(separator)
		}
		s, err := rt.str(v)
		if err != nil {
			return "", err
		}
		if err := rt.alloc(len(s) + len(separator)); err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (rt *runtime) evalItem(x *getitemExpr, s *scope) (Value, error) {
	v, err := rt.eval(x.x, s)
	if err != nil {
		return nil, err
	}
	if sl, ok := x.index.(*sliceExpr); ok {
		bounds, err := rt.evalSlice(sl, s)
		if err != nil {
			return nil, err
		}
		return rt.slice(v, bounds)
	}
	i, err := rt.eval(x.index, s)
	if err != nil {
		return nil, err
	}
	return rt.getitem(v, i)
}

func (rt *runtime) evalSlice(x *sliceExpr, s *scope) (b [3]Value, err error) {
	for i, part := range []expr{x.start, x.stop, x.step} {
		if part == nil {
			continue
		}
		if b[i], err = rt.eval(part, s); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (rt *runtime) evalCall(x *callExpr, s *scope) (Value, error) {
	f, err := rt.eval(x.fn, s)
	if err != nil {
		return nil, err
	}
	a, err := rt.args(x.args, s)
	if err != nil {
		return nil, err
	}
	return rt.call(f, a)
}

// filter applies the filters of a block to its text.
func (rt *runtime) filter(x *filterExpr, s *scope, text string) (Value, error) {
	if x.x == nil {
		return rt.applyFilter(x, s, text)
	}
	v, err := rt.filter(x.x.(*filterExpr), s, text)
	if err != nil {
		return nil, err
	}
	return rt.applyFilter(x, s, v)
}

func (rt *runtime) applyFilter(x *filterExpr, s *scope, v Value) (Value, error) {
	a, err := rt.args(x.args, s)
	if err != nil {
		return nil, err
	}
	if rt.env.filter(x.name) == nil {
		return nil, raise("TemplateRuntimeError", "No filter named %s found.", reprString(x.name))
	}
	return rt.callFilter(x.name, v, a)
}

// callFilter applies a filter by name.
func (rt *runtime) callFilter(name string, v Value, a *args) (Value, error) {
	f := rt.env.filter(name)
	if f == nil {
		if omittedFilters[name] {
			return nil, unsupported("the filter %q", name)
		}
		return nil, raise("TemplateRuntimeError", "No filter named %s.", reprString(name))
	}
	return f(rt, &args{append([]Value{v}, a.pos...), a.kw})
}

func (rt *runtime) evalTest(x *testExpr, s *scope) (Value, error) {
	v, err := rt.operand(x.x, x.name, s)
	if err != nil {
		return nil, err
	}
	a, err := rt.args(x.args, s)
	if err != nil {
		return nil, err
	}
	if tests[x.name] == nil {
		return nil, raise("TemplateRuntimeError", "No test named %s found.", reprString(x.name))
	}
	return rt.callTest(x.name, v, a)
}

// callTest applies a test by name.
func (rt *runtime) callTest(name string, v Value, a *args) (bool, error) {
	t := tests[name]
	if t == nil {
		return false, raise("TemplateRuntimeError", "No test named %s.", reprString(name))
	}
	return t(rt, &args{append([]Value{v}, a.pos...), a.kw})
}
