package jinja

import (
	"fmt"
	"unicode/utf8"
)

// Iterator is what Python computes lazily and gives once: generators and reversed sequences.
type Iterator struct {
	kind string // Python's type name
	next func() (v Value, ok bool, err error)
}

// iterate gives the items of a value one by one.
func (rt *runtime) iterate(v Value) (*Iterator, error) {
	switch v := v.(type) {
	case string:
		return runes(v), nil
	case Markup:
		return runes(string(v)), nil
	case *List:
		return items(v.Items), nil
	case *Tuple:
		return items(v.Items), nil
	case *Object:
		return items(v.keys), nil
	case *View:
		return items(v.items()), nil
	case *Range:
		return v.iterator(), nil
	case *Iterator:
		return v, nil
	case *Undefined:
		return items(nil), nil
	case *loopContext:
		return &Iterator{next: func() (Value, bool, error) {
			item, ok, err := v.next()
			return newTuple(item, v), ok, err
		}}, nil
	}
	return nil, typeError("'%s' object is not iterable", typeName(v))
}

func items(all []Value) *Iterator {
	i := 0
	return &Iterator{kind: "list_iterator", next: func() (Value, bool, error) {
		if i == len(all) {
			return nil, false, nil
		}
		i++
		return all[i-1], true, nil
	}}
}

func runes(s string) *Iterator {
	return &Iterator{kind: "str_iterator", next: func() (Value, bool, error) {
		if s == "" {
			return nil, false, nil
		}
		_, n := utf8.DecodeRuneInString(s)
		c := s[:n]
		s = s[n:]
		return c, true, nil
	}}
}

// each calls f for the items of a value.
func (rt *runtime) each(v Value, f func(Value) error) error {
	it, err := rt.iterate(v)
	if err != nil {
		return err
	}
	for {
		item, ok, err := it.next()
		if err != nil || !ok {
			return err
		}
		if err := rt.use(1); err != nil {
			return err
		}
		if err := f(item); err != nil {
			return err
		}
	}
}

// list is Python's list(v), as a slice of its own.
func (rt *runtime) list(v Value) ([]Value, error) {
	var all []Value
	err := rt.each(v, func(item Value) error {
		all = append(all, item)
		return rt.alloc(itemSize)
	})
	return all, err
}

// items are a view's items.
func (v *View) items() []Value {
	switch v.kind {
	case "dict_keys":
		return v.dict.keys
	case "dict_values":
		return v.dict.values
	}
	pairs := make([]Value, v.dict.Len())
	for i, key := range v.dict.keys {
		pairs[i] = newTuple(key, v.dict.values[i])
	}
	return pairs
}

func (r *Range) len() int64 {
	switch {
	case r.step > 0 && r.start < r.stop:
		return (r.stop-r.start-1)/r.step + 1
	case r.step < 0 && r.start > r.stop:
		return (r.start-r.stop-1)/(-r.step) + 1
	}
	return 0
}

func (r *Range) repr() string {
	if r.step == 1 {
		return fmt.Sprintf("range(%d, %d)", r.start, r.stop)
	}
	return fmt.Sprintf("range(%d, %d, %d)", r.start, r.stop, r.step)
}

func (r *Range) iterator() *Iterator {
	i, n := int64(0), r.len()
	return &Iterator{kind: "range_iterator", next: func() (Value, bool, error) {
		if i == n {
			return nil, false, nil
		}
		i++
		return r.start + (i-1)*r.step, true, nil
	}}
}

// unpack splits a value over n targets.
func (rt *runtime) unpack(v Value, n int) ([]Value, error) {
	it, err := rt.iterate(v)
	if err != nil {
		return nil, typeError("cannot unpack non-iterable %s object", typeName(v))
	}
	var all []Value
	for len(all) <= n {
		item, ok, err := it.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		all = append(all, item)
	}
	if len(all) < n {
		return nil, valueError("not enough values to unpack (expected %d, got %d)", n, len(all))
	}
	if len(all) > n {
		return nil, valueError("too many values to unpack (expected %d)", n)
	}
	return all, nil
}
