package jinja

// loopContext is the variable loop of a for statement.
type loopContext struct {
	rt       *runtime
	iterable Value
	it       *Iterator
	index0   int
	depth0   int
	size     int   // -1 until known
	after    Value // the next item where it was looked at, else missing
	current  Value
	before   Value
	changed  Value
	recurse  func(v Value, depth int) (string, error) // nil unless the loop is recursive
}

func newLoop(rt *runtime, v Value, depth int) (*loopContext, error) {
	it, err := rt.iterate(v)
	return &loopContext{rt: rt, iterable: v, it: it, index0: -1, depth0: depth, size: -1, after: missing, current: missing,
		before: missing, changed: missing}, err
}

// next moves to the next item.
func (l *loopContext) next() (Value, bool, error) {
	item, err := l.peek()
	if err != nil || item == missing {
		return nil, false, err
	}
	l.after = missing
	l.index0++
	l.before, l.current = l.current, item
	return item, true, nil
}

// peek is the next item, or missing.
func (l *loopContext) peek() (Value, error) {
	if l.after != missing {
		return l.after, nil
	}
	item, ok, err := l.it.next()
	if err != nil || !ok {
		return missing, err
	}
	l.after = item
	return item, nil
}

// length is the number of items; what has none by itself is read to its end.
func (l *loopContext) length() (int, error) {
	if l.size >= 0 {
		return l.size, nil
	}
	n, err := l.rt.length(l.iterable)
	if err != nil {
		rest, err := l.rt.list(l.it)
		if err != nil {
			return 0, err
		}
		l.it = items(rest)
		n = len(rest) + l.index0 + 1
		if l.after != missing {
			n++
		}
	}
	l.size = n
	return n, nil
}

// attr is an attribute of loop.
func (l *loopContext) attr(name string) (Value, bool, error) {
	switch name {
	case "index0":
		return int64(l.index0), true, nil
	case "index":
		return int64(l.index0 + 1), true, nil
	case "first":
		return l.index0 == 0, true, nil
	case "depth0":
		return int64(l.depth0), true, nil
	case "depth":
		return int64(l.depth0 + 1), true, nil
	case "last":
		item, err := l.peek()
		return item == missing, true, err
	case "previtem":
		if l.index0 == 0 {
			return undefinedHint("there is no previous item"), true, nil
		}
		return l.before, true, nil
	case "nextitem":
		item, err := l.peek()
		if err == nil && item == missing {
			return undefinedHint("there is no next item"), true, nil
		}
		return item, true, err
	case "cycle":
		return method(name, l.cycle), true, nil
	case "changed":
		return method(name, l.hasChanged), true, nil
	}
	return l.lengthAttr(name)
}

// lengthAttr is an attribute that needs the length.
func (l *loopContext) lengthAttr(name string) (Value, bool, error) {
	off := 0
	switch name {
	case "length":
	case "revindex":
		off = l.index0
	case "revindex0":
		off = l.index0 + 1
	default:
		return nil, false, nil
	}
	n, err := l.length()
	return int64(n - off), true, err
}

func (l *loopContext) cycle(_ *runtime, a *args) (Value, error) {
	if len(a.kw) > 0 {
		return nil, typeError("LoopContext.cycle() got an unexpected keyword argument %s", reprString(a.kw[0].name))
	}
	if len(a.pos) == 0 {
		return nil, typeError("no items for cycling given")
	}
	return a.pos[l.index0%len(a.pos)], nil
}

func (l *loopContext) hasChanged(rt *runtime, a *args) (Value, error) {
	if len(a.kw) > 0 {
		return nil, typeError("LoopContext.changed() got an unexpected keyword argument %s", reprString(a.kw[0].name))
	}
	now := newTuple(a.pos...)
	if l.changed != missing {
		same, err := rt.equal(l.changed, now)
		if err != nil || same {
			return false, err
		}
	}
	l.changed = now
	return true, nil
}

// call renders the loop's body for inner items.
func (l *loopContext) call(a *args) (Value, error) {
	b, err := a.bind("LoopContext.__call__", 1, "iterable")
	if err != nil {
		return nil, err
	}
	if l.recurse == nil {
		return nil, typeError("The loop must have the 'recursive' marker to be called recursively.")
	}
	return l.recurse(b[0], l.depth0+1)
}
