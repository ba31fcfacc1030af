package jinja

import (
	"slices"
	"strings"
)

// getter looks up an attribute path, dots between its parts, in an item. Without caseSensitive texts come in lower
// case; undefined values become otherwise where that is not nil.
func (rt *runtime) getter(attribute Value, caseSensitive bool, otherwise Value) (func(Value) (Value, error), error) {
	var parts []Value
	switch attr := attribute.(type) {
	case nil:
	case string:
		parts = attributeParts(attr)
	case Markup:
		parts = attributeParts(string(attr))
	default:
		parts = []Value{attr}
	}
	return func(item Value) (Value, error) {
		for _, part := range parts {
			var err error
			if item, err = rt.getitem(item, part); err != nil {
				return nil, err
			}
			if _, undefined := item.(*Undefined); undefined && otherwise != nil {
				item = otherwise
			}
		}
		if u, ok := item.(*Undefined); ok && rt.env.strict {
			return nil, u.fail()
		}
		if s, ok := text(item); ok && !caseSensitive {
			return lower(s), rt.alloc(len(s))
		}
		return item, nil
	}, nil
}

func attributeParts(s string) []Value {
	var parts []Value
	for part := range strings.SplitSeq(s, ".") {
		if n, ok := parseInt(part, 10); ok && all(part, isDigitRune) {
			parts = append(parts, n)
		} else {
			parts = append(parts, part)
		}
	}
	return parts
}

// lazily is the generator of the items that keep holds for. It looks at the value only when asked for the first item,
// and with skipFalse not at all where the value is false, as Jinja's select and map do.
func (rt *runtime) lazily(v Value, skipFalse bool, keep func(Value) (bool, error)) *Iterator {
	var it *Iterator
	return &Iterator{kind: "generator", next: func() (Value, bool, error) {
		if it == nil {
			if skipFalse && !truth(v) {
				v = &List{}
			}
			var err error
			if it, err = rt.filtered(v, keep); err != nil {
				return nil, false, err
			}
		}
		return it.next()
	}}
}

func mapFilter(rt *runtime, a *args) (Value, error) {
	v := a.pos[0]
	rest := &args{a.pos[1:], a.kw}
	var apply func(Value) (Value, error)
	var mappedItem Value
	it := rt.lazily(v, true, func(item Value) (bool, error) {
		var err error
		if apply == nil {
			if apply, err = rt.mapper(rest); err != nil {
				return false, err
			}
		}
		mappedItem, err = apply(item)
		return true, err
	})
	next := it.next
	it.next = func() (Value, bool, error) {
		_, ok, err := next()
		return mappedItem, ok, err
	}
	return it, nil
}

// mapper is what map does with an item: look up an attribute or apply a filter.
func (rt *runtime) mapper(a *args) (func(Value) (Value, error), error) {
	if len(a.pos) == 0 {
		keywords := &args{kw: slices.Clone(a.kw)}
		attribute, ok := keywords.take("attribute")
		if !ok {
			return nil, raise("FilterArgumentError", "map requires a filter argument")
		}
		otherwise, _ := keywords.take("default")
		if len(keywords.kw) > 0 {
			return nil, raise("FilterArgumentError", "Unexpected keyword argument %s", reprString(keywords.kw[0].name))
		}
		return rt.getter(attribute, true, otherwise)
	}
	name, err := rt.str(a.pos[0])
	return func(item Value) (Value, error) {
		return rt.callFilter(name, item, &args{a.pos[1:], a.kw})
	}, err
}

// selectFilter is select, reject, selectattr or rejectattr.
func selectFilter(byAttr, wanted bool) filterFunc {
	return func(rt *runtime, a *args) (Value, error) {
		rest := &args{a.pos[1:], a.kw}
		var holds func(Value) (bool, error)
		return rt.lazily(a.pos[0], true, func(item Value) (bool, error) {
			var err error
			if holds == nil {
				if holds, err = rt.selector(rest, byAttr); err != nil {
					return false, err
				}
			}
			ok, err := holds(item)
			return ok == wanted, err
		}), nil
	}
}

// selector is the condition of a select filter: a test, or the truth of the item or its attribute.
func (rt *runtime) selector(a *args, byAttr bool) (func(Value) (bool, error), error) {
	get := func(item Value) (Value, error) { return item, nil }
	pos := a.pos
	if byAttr {
		if len(pos) == 0 {
			return nil, raise("FilterArgumentError", "Missing parameter for attribute name")
		}
		var err error
		if get, err = rt.getter(pos[0], true, nil); err != nil {
			return nil, err
		}
		pos = pos[1:]
	}
	name := ""
	if len(pos) > 0 {
		var err error
		if name, err = rt.str(pos[0]); err != nil {
			return nil, err
		}
	}
	return func(item Value) (bool, error) {
		v, err := get(item)
		if err != nil || len(pos) == 0 {
			return truth(v), err
		}
		return rt.callTest(name, v, &args{pos[1:], a.kw})
	}, nil
}
