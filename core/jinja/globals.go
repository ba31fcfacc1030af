package jinja

// globals are the functions every template can call.
var globals map[string]Value

func init() {
	globals = map[string]Value{
		"range":     function("range", rangeFunction),
		"dict":      function("dict", dictFunction),
		"namespace": function("namespace", namespaceFunction),
		"cycler":    function("cycler", newCycler),
		"joiner":    function("joiner", newJoiner),
		"lipsum": function("lipsum", func(*runtime, *args) (Value, error) {
			return nil, unsupported("the function lipsum, whose text is random")
		}),
	}
}

// maxRange is the sandbox's limit on a range's length.
const maxRange = 100000

func rangeFunction(_ *runtime, a *args) (Value, error) {
	if len(a.kw) > 0 {
		return nil, typeError("range() takes no keyword arguments")
	}
	if err := positional("range", a, 1, 3); err != nil {
		return nil, err
	}
	var n [3]int64
	for i, v := range a.pos {
		var err error
		if n[i], err = index(v); err != nil {
			return nil, err
		}
	}
	r := &Range{n[0], n[1], n[2]}
	switch len(a.pos) {
	case 1:
		r = &Range{0, n[0], 1}
	case 2:
		r.step = 1
	}
	if r.step == 0 {
		return nil, valueError("range() arg 3 must not be zero")
	}
	const large = 1 << 61 // beyond which differences overflow
	for _, bound := range []int64{r.start, r.stop, r.step} {
		if bound > large || bound < -large {
			return nil, unsupported("a range with bounds beyond 2**61")
		}
	}
	if r.len() > maxRange {
		return nil, raise("OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
	}
	return r, nil
}

// dictFunction is Python's dict(mapping or pairs, **kwargs).
func dictFunction(rt *runtime, a *args) (Value, error) {
	if err := positional("dict", &args{pos: a.pos}, 0, 1); err != nil {
		return nil, err
	}
	o := NewObject()
	if len(a.pos) == 1 {
		if err := rt.fill(o, a.pos[0]); err != nil {
			return nil, err
		}
	}
	for _, k := range a.kw {
		o.Set(k.name, k.value)
	}
	return o, rt.alloc(2*objectSize + entrySize*o.Len())
}

// fill sets a dict's items from a mapping or from pairs.
func (rt *runtime) fill(o *Object, v Value) error {
	if from, ok := v.(*Object); ok {
		for i, key := range from.keys {
			if err := rt.put(o, key, from.values[i]); err != nil {
				return err
			}
		}
		return nil
	}
	n := 0
	return rt.each(v, func(item Value) error {
		if _, err := rt.iterate(item); err != nil {
			return typeError("cannot convert dictionary update sequence element #%d to a sequence", n)
		}
		pair, err := rt.list(item)
		if err != nil {
			return err
		}
		if len(pair) != 2 {
			return valueError("dictionary update sequence element #%d has length %d; 2 is required", n, len(pair))
		}
		n++
		return rt.put(o, pair[0], pair[1])
	})
}

func namespaceFunction(rt *runtime, a *args) (Value, error) {
	attrs, err := dictFunction(rt, a)
	if err != nil {
		return nil, err
	}
	ns := &Namespace{attrs.(*Object)}
	for _, name := range ns.attrs.Keys() {
		if err := checkAttr(name); err != nil {
			return nil, err
		}
	}
	return ns, nil
}

// checkAttr refuses names with an underscore in front, as transformers' namespace does.
func checkAttr(name string) error {
	if name != "" && name[0] == '_' {
		return raise("SecurityError", "Chat templates cannot store underscore-prefixed attributes on a namespace, but got %s. "+
			"Please rename the attribute.", reprString(name))
	}
	return nil
}

func (ns *Namespace) set(name string, v Value) error {
	if err := checkAttr(name); err != nil {
		return err
	}
	ns.attrs.Set(name, v)
	return nil
}

func raiseException(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("_cached_compile_jinja_template.<locals>.raise_exception", 0, "message")
	if err != nil {
		return nil, err
	}
	message, err := rt.str(b[0])
	if err != nil {
		return nil, err
	}
	return nil, raise("TemplateError", "%s", message)
}

// cycler is Jinja's helper that goes round its items.
type cycler struct {
	items []Value
	next  int
}

func newCycler(_ *runtime, a *args) (Value, error) {
	if len(a.kw) > 0 {
		return nil, typeError("Cycler.__init__() got an unexpected keyword argument %s", reprString(a.kw[0].name))
	}
	if len(a.pos) == 0 {
		return nil, raise("RuntimeError", "at least one item has to be provided")
	}
	return &cycler{items: a.pos}, nil
}

func (c *cycler) attr(name string) (Value, bool, error) {
	switch name {
	case "current":
		return c.items[c.next], true, nil
	case "items":
		return newTuple(c.items...), true, nil
	case "pos":
		return int64(c.next), true, nil
	case "next":
		return method(name, func(_ *runtime, a *args) (Value, error) {
			item := c.items[c.next]
			c.next = (c.next + 1) % len(c.items)
			_, err := a.bind("Cycler.next", 1)
			return item, err
		}), true, nil
	case "reset":
		return method(name, func(_ *runtime, a *args) (Value, error) {
			c.next = 0
			_, err := a.bind("Cycler.reset", 1)
			return nil, err
		}), true, nil
	}
	return nil, false, nil
}

// joiner is Jinja's helper that gives nothing first and its separator from then on.
type joiner struct {
	separator Value
	used      bool
}

func newJoiner(_ *runtime, a *args) (Value, error) {
	b, err := a.bind("Joiner.__init__", 1, "sep=")
	if err != nil {
		return nil, err
	}
	return &joiner{separator: b.or(0, ", ")}, nil
}

func (j *joiner) call(a *args) (Value, error) {
	if _, err := a.bind("Joiner.__call__", 1); err != nil {
		return nil, err
	}
	if !j.used {
		j.used = true
		return "", nil
	}
	return j.separator, nil
}

func (j *joiner) attr(name string) (Value, bool, error) {
	switch name {
	case "sep":
		return j.separator, true, nil
	case "used":
		return j.used, true, nil
	}
	return nil, false, nil
}
