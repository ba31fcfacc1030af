package jinja

import "slices"

// noArgs refuses arguments.
func noArgs(name string, a *args) error {
	if len(a.kw) > 0 {
		return typeError("%s() takes no keyword arguments", name)
	}
	if len(a.pos) > 0 {
		return typeError("%s() takes no arguments (%d given)", name, len(a.pos))
	}
	return nil
}

// positional checks the number of arguments of a builtin that takes no keywords.
func positional(name string, a *args, least, most int) error {
	n := len(a.pos)
	switch {
	case len(a.kw) > 0:
		return typeError("%s() takes no keyword arguments", name)
	case n < least && least == most || n > most && least == most:
		return typeError("%s expected %d %s, got %d", name, least, plural(least, "argument", "arguments"), n)
	case n < least:
		return typeError("%s expected at least %d %s, got %d", name, least, plural(least, "argument", "arguments"), n)
	case n > most:
		return typeError("%s expected at most %d %s, got %d", name, most, plural(most, "argument", "arguments"), n)
	}
	return nil
}

// dictMethod is a bound method of a dict.
func dictMethod(o *Object, name string) (Value, bool) {
	switch name {
	case "keys", "values", "items":
		return method(name, func(_ *runtime, a *args) (Value, error) {
			return &View{o, "dict_" + name}, noArgs("dict."+name, a)
		}), true
	case "copy":
		return method(name, func(rt *runtime, a *args) (Value, error) {
			if err := noArgs("dict.copy", a); err != nil {
				return nil, err
			}
			return o.clone(), rt.alloc(2*objectSize + entrySize*o.Len())
		}), true
	case "get":
		return method(name, func(rt *runtime, a *args) (Value, error) {
			if len(a.kw) > 0 {
				return nil, typeError("dict.get() takes no keyword arguments")
			}
			if err := positional("get", a, 1, 2); err != nil {
				return nil, err
			}
			v, ok, err := rt.lookup(o, a.pos[0])
			if !ok && len(a.pos) == 2 {
				v = a.pos[1]
			}
			return v, err
		}), true
	case "fromkeys":
		return method(name, dictFromKeys), true
	}
	return nil, false
}

func dictFromKeys(rt *runtime, a *args) (Value, error) {
	if err := positional("fromkeys", a, 1, 2); err != nil {
		return nil, err
	}
	var v Value
	if len(a.pos) == 2 {
		v = a.pos[1]
	}
	o := NewObject()
	return o, rt.each(a.pos[0], func(key Value) error {
		if err := rt.put(o, key, v); err != nil {
			return err
		}
		return rt.alloc(entrySize)
	})
}

// sequenceMethod is a bound method of a list or tuple.
func sequenceMethod(all []Value, kind, name string) (Value, bool) {
	switch {
	case name == "count":
		return method(name, func(rt *runtime, a *args) (Value, error) {
			return countItems(rt, all, kind, a)
		}), true
	case name == "index":
		return method(name, func(rt *runtime, a *args) (Value, error) {
			return indexOfItem(rt, all, kind, a)
		}), true
	case name == "copy" && kind == "list":
		return method(name, func(rt *runtime, a *args) (Value, error) {
			return &List{slices.Clone(all)}, noArgs("list.copy", a)
		}), true
	}
	return nil, false
}

func countItems(rt *runtime, all []Value, kind string, a *args) (Value, error) {
	if len(a.kw) > 0 || len(a.pos) != 1 {
		return nil, typeError("%s.count() takes exactly one argument (%d given)", kind, len(a.pos))
	}
	n := int64(0)
	for _, item := range all {
		same, err := rt.equal(item, a.pos[0])
		if err != nil {
			return nil, err
		}
		if same {
			n++
		}
	}
	return n, nil
}

func indexOfItem(rt *runtime, all []Value, kind string, a *args) (Value, error) {
	if err := positional("index", a, 1, 3); err != nil {
		return nil, err
	}
	start, stop, err := searchBounds(a.pos[1:], len(all))
	if err != nil {
		return nil, err
	}
	for i := start; i < stop; i++ {
		same, err := rt.equal(all[i], a.pos[0])
		if err != nil {
			return nil, err
		}
		if same {
			return int64(i), nil
		}
	}
	if kind == "tuple" {
		return nil, valueError("tuple.index(x): x not in tuple")
	}
	what, err := rt.repr(a.pos[0])
	if err != nil {
		return nil, err
	}
	return nil, valueError("%s is not in list", what)
}

// searchBounds are the optional start and stop arguments of a search in n items, as a slice takes them.
func searchBounds(bounds []Value, n int) (start, stop int, err error) {
	var b [3]Value
	copy(b[:2], bounds)
	from, to, _, err := sliceBounds(b, int64(n))
	return int(from), int(to), err
}
