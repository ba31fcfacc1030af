package jinja

// testFunc is a test; the first argument is the value it stands on.
type testFunc func(rt *runtime, a *args) (bool, error)

// tests are Jinja's tests.
var tests map[string]testFunc

func init() {
	tests = map[string]testFunc{
		"odd": remainder("test_odd", 1), "even": remainder("test_even", 0), "divisibleby": divisibleBy,
		"defined":   valueTest("test_defined", func(v Value) bool { return !isUndefined(v) }),
		"undefined": valueTest("test_undefined", isUndefined),
		"filter":    named("test_filter", func(rt *runtime, name string) bool { return rt.env.filter(name) != nil || omittedFilters[name] }),
		"test":      named("test_test", func(_ *runtime, name string) bool { return tests[name] != nil }),
		"none":      valueTest("test_none", func(v Value) bool { return v == nil }),
		"boolean":   valueTest("test_boolean", func(v Value) bool { return v == true || v == false }),
		"false":     valueTest("test_false", func(v Value) bool { return v == false }),
		"true":      valueTest("test_true", func(v Value) bool { return v == true }),
		"integer":   valueTest("test_integer", func(v Value) bool { return typeName(v) == "int" }),
		"float":     valueTest("test_float", func(v Value) bool { return typeName(v) == "float" }),
		"number":    valueTest("test_number", isNumber),
		"lower":     textTest("test_lower", func(s string) bool { return allCased(s, isLower, isUpper) }),
		"upper":     textTest("test_upper", func(s string) bool { return allCased(s, isUpper, isLower) }),
		"string":    valueTest("test_string", func(v Value) bool { _, ok := text(v); return ok }),
		"mapping":   valueTest("test_mapping", func(v Value) bool { _, ok := v.(*Object); return ok }),
		"sequence":  valueTest("test_sequence", isSequenceTest),
		"iterable":  iterableTest,
		"callable":  valueTest("callable", callable),
		"sameas":    sameAs,
		"escaped":   valueTest("test_escaped", func(v Value) bool { _, ok := v.(Markup); return ok }),
		"in":        comparison("in"),
		"==":        comparison("=="), "eq": comparison("=="), "equalto": comparison("=="),
		"!=": comparison("!="), "ne": comparison("!="),
		">": comparison(">"), "gt": comparison(">"), "greaterthan": comparison(">"),
		">=": comparison(">="), "ge": comparison(">="),
		"<": comparison("<"), "lt": comparison("<"), "lessthan": comparison("<"),
		"<=": comparison("<="), "le": comparison("<="),
	}
}

func isUndefined(v Value) bool {
	_, ok := v.(*Undefined)
	return ok
}

func valueTest(name string, holds func(Value) bool) testFunc {
	return func(_ *runtime, a *args) (bool, error) {
		b, err := a.bind(name, 0, "value")
		if err != nil {
			return false, err
		}
		return holds(b[0]), nil
	}
}

func textTest(name string, holds func(string) bool) testFunc {
	return func(rt *runtime, a *args) (bool, error) {
		b, err := a.bind(name, 0, "value")
		if err != nil {
			return false, err
		}
		s, err := rt.str(b[0])
		return holds(s), err
	}
}

// named tests whether there is a filter or test of that name.
func named(name string, there func(*runtime, string) bool) testFunc {
	return func(rt *runtime, a *args) (bool, error) {
		b, err := a.bind(name, 1, "value")
		if err != nil {
			return false, err
		}
		if _, err := rt.hash(b[0], 0); err != nil {
			return false, err
		}
		s, ok := text(b[0])
		return ok && there(rt, s), nil
	}
}

func remainder(name string, wanted int64) testFunc {
	return func(rt *runtime, a *args) (bool, error) {
		b, err := a.bind(name, 0, "value")
		if err != nil {
			return false, err
		}
		rest, err := rt.binary("%", b[0], int64(2))
		if err != nil {
			return false, err
		}
		return rt.equal(rest, wanted)
	}
}

func divisibleBy(rt *runtime, a *args) (bool, error) {
	b, err := a.bind("test_divisibleby", 0, "value", "num")
	if err != nil {
		return false, err
	}
	rest, err := rt.binary("%", b[0], b[1])
	if err != nil {
		return false, err
	}
	return rt.equal(rest, int64(0))
}

// isSequenceTest says whether a value has a length and items, which a dict has too.
func isSequenceTest(v Value) bool {
	switch v.(type) {
	case string, Markup, *List, *Tuple, *Object, *Range, *Undefined:
		return true
	}
	return false
}

func iterableTest(rt *runtime, a *args) (bool, error) {
	b, err := a.bind("test_iterable", 0, "value")
	if err != nil {
		return false, err
	}
	_, err = rt.iterate(b[0])
	return err == nil, nil
}

// sameAs is Python's "is": equal small values count as one object, as the constants of a template are.
func sameAs(rt *runtime, a *args) (bool, error) {
	b, err := a.bind("test_sameas", 0, "value", "other")
	if err != nil {
		return false, err
	}
	if typeName(b[0]) != typeName(b[1]) {
		return false, nil
	}
	switch b[0].(type) {
	case nil, bool:
		return b[0] == b[1], nil
	case string, Markup, int64, float64:
		return rt.equal(b[0], b[1])
	}
	return b[0] == b[1], nil
}

func comparison(op string) testFunc {
	names := map[string]string{"==": "eq", "!=": "ne", ">": "gt", ">=": "ge", "<": "lt", "<=": "le", "in": "test_in"}
	return func(rt *runtime, a *args) (bool, error) {
		if len(a.kw) == 0 && len(a.pos) == 2 {
			return rt.compare(op, a.pos[0], a.pos[1])
		}
		if op == "in" {
			b, err := a.bind("test_in", 0, "value", "seq")
			if err != nil {
				return false, err
			}
			return rt.compare(op, b[0], b[1])
		}
		if len(a.kw) > 0 {
			return false, typeError("_operator.%s() takes no keyword arguments", names[op])
		}
		return false, typeError("%s expected 2 arguments, got %d", names[op], len(a.pos))
	}
}
