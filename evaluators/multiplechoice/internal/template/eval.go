package template

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// scope is where names are looked up: variables first, the newest first, then
// the document's fields.
type scope struct {
	doc  py.Object
	vars *binding
}

type binding struct {
	name  string
	value any
	outer *binding
}

func (s scope) with(name string, value any) scope {
	s.vars = &binding{name, value, s.vars}
	return s
}

func constant(v any) expr { return func(scope) (any, error) { return v, nil } }

func variable(name string) expr {
	return func(s scope) (any, error) {
		for b := s.vars; b != nil; b = b.outer {
			if b.name == name {
				return b.value, nil
			}
		}
		if v, ok := s.doc.Get(name); ok {
			return v, nil
		}
		return nil, fmt.Errorf("no field %q; the document has: %s", name, strings.Join(s.doc.Keys(), ", "))
	}
}

// concatenation is + on two strings, lists or integers, and ~ on the text of
// anything.
func concatenation(operator string, left, right expr) expr {
	return func(s scope) (any, error) {
		a, b, err := both(s, left, right)
		if err != nil {
			return nil, err
		}
		if operator == "~" {
			return py.Str(a) + py.Str(b), nil
		}
		switch x := a.(type) {
		case string:
			if y, ok := b.(string); ok {
				return x + y, nil
			}
		case int64:
			if y, ok := b.(int64); ok {
				return x + y, nil
			}
		case []any:
			if y, ok := b.([]any); ok {
				return append(append(make([]any, 0, len(x)+len(y)), x...), y...), nil
			}
		}
		return nil, fmt.Errorf("cannot add %s and %s", describe(a), describe(b))
	}
}

func both(s scope, left, right expr) (any, any, error) {
	a, err := left(s)
	if err != nil {
		return nil, nil, err
	}
	b, err := right(s)
	return a, b, err
}

func attribute(of expr, field string) expr {
	return func(s scope) (any, error) {
		v, err := of(s)
		if err != nil {
			return nil, err
		}
		return lookUp(v, field)
	}
}

func element(of, index expr) expr {
	return func(s scope) (any, error) {
		v, i, err := both(s, of, index)
		if err != nil {
			return nil, err
		}
		return lookUp(v, i)
	}
}

// lookUp returns v[key] of a dict, or of a list, where a negative index counts
// from its end.
func lookUp(v, key any) (any, error) {
	switch v := v.(type) {
	case py.Object:
		k := py.Str(key)
		if e, ok := v.Get(k); ok {
			return e, nil
		}
		return nil, fmt.Errorf("no field %q; there are: %s", k, strings.Join(v.Keys(), ", "))
	case []any:
		i, ok := key.(int64)
		if !ok {
			return nil, fmt.Errorf("%s is no index of a list", describe(key))
		}
		if i < 0 {
			i += int64(len(v))
		}
		if i < 0 || i >= int64(len(v)) {
			return nil, fmt.Errorf("index %d is outside a list of %d", key, len(v))
		}
		return v[i], nil
	}
	return nil, fmt.Errorf("%s has no element %q", describe(v), py.Str(key))
}

// first is of[:count] of a list.
func first(of, count expr) expr {
	return func(s scope) (any, error) {
		v, n, err := both(s, of, count)
		if err != nil {
			return nil, err
		}
		list, ok := v.([]any)
		length, isInt := n.(int64)
		if !ok || !isInt || length < 0 {
			return nil, fmt.Errorf("cannot take the first %s of %s", describe(n), describe(v))
		}
		return list[:min(int(length), len(list))], nil
	}
}

func items(list []expr) expr {
	return func(s scope) (any, error) {
		values := make([]any, len(list))
		for i, e := range list {
			var err error
			if values[i], err = e(s); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
}

// mapped is [each for loop in over].
func mapped(each expr, loop string, over expr) expr {
	return func(s scope) (any, error) {
		v, err := over(s)
		if err != nil {
			return nil, err
		}
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("cannot loop over %s", describe(v))
		}
		values := make([]any, len(list))
		for i, item := range list {
			if values[i], err = each(s.with(loop, item)); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
}

func dictOf(keys, values []expr) expr {
	return func(s scope) (any, error) {
		o := make(py.Object, 0, len(keys))
		for i := range keys {
			k, v, err := both(s, keys[i], values[i])
			if err != nil {
				return nil, err
			}
			o.Set(py.Str(k), v)
		}
		return o, nil
	}
}

// application calls a method or filter.
func application(name string, f function, of expr, args []expr) expr {
	return func(s scope) (any, error) {
		v, err := of(s)
		if err != nil {
			return nil, err
		}
		list, err := items(args)(s)
		if err != nil {
			return nil, err
		}
		result, err := f(v, list.([]any))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return result, nil
	}
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

// describe names a value's type, and a scalar's value.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the text %.60q", v)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case py.Object:
		return "a dict"
	}
	return py.Str(v)
}
