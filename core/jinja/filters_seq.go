package jinja

import "slices"

func listFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("sync_do_list", 0, "value")
	if err != nil {
		return nil, err
	}
	items, err := rt.list(b[0])
	return &List{items}, err
}

func firstFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("sync_do_first", 1, "seq")
	if err != nil {
		return nil, err
	}
	it, err := rt.iterate(b[0])
	if err != nil {
		return nil, err
	}
	v, ok, err := it.next()
	if err == nil && !ok {
		return undefinedHint("No first item, sequence was empty."), nil
	}
	return v, err
}

// reversed are a value's items from the end, as Python's reversed gives them.
func (rt *runtime) reversed(v Value) ([]Value, error) {
	switch v.(type) {
	case *Iterator, *loopContext:
		return nil, typeError("'%s' object is not reversible", typeName(v))
	}
	items, err := rt.list(v)
	if e, ok := err.(*Error); ok && e.Kind == "TypeError" {
		return nil, typeError("'%s' object is not reversible", typeName(v))
	}
	slices.Reverse(items)
	return items, err
}

func lastFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_last", 1, "seq")
	if err != nil {
		return nil, err
	}
	items, err := rt.reversed(b[0])
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return undefinedHint("No last item, sequence was empty."), nil
	}
	return items[0], nil
}

func reverseFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_reverse", 0, "value")
	if err != nil {
		return nil, err
	}
	if s, ok := text(b[0]); ok {
		if err := rt.alloc(4 * len(s)); err != nil {
			return nil, err
		}
		runes := []rune(s)
		slices.Reverse(runes)
		_, markup := b[0].(Markup)
		return like(string(runes), markup), nil
	}
	if items, err := rt.reversed(b[0]); err == nil {
		it := reversedIterator(b[0], items)
		return it, nil
	}
	items, err := rt.list(b[0])
	if err != nil {
		return nil, raise("FilterArgumentError", "argument must be iterable")
	}
	slices.Reverse(items)
	return &List{items}, nil
}

func reversedIterator(v Value, all []Value) *Iterator {
	it := items(all)
	switch v.(type) {
	case *List:
		it.kind = "list_reverseiterator"
	case *Object:
		it.kind = "dict_reversekeyiterator"
	case *Range:
		it.kind = "range_iterator"
	default:
		it.kind = "reversed"
	}
	return it
}

func itemsFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_items", 0, "value")
	if err != nil {
		return nil, err
	}
	var it *Iterator
	return &Iterator{kind: "generator", next: func() (Value, bool, error) {
		if it == nil {
			switch v := b[0].(type) {
			case *Undefined:
				it = items(nil)
			case *Object:
				it = items((&View{v, "dict_items"}).items())
			default:
				return nil, false, typeError("Can only get item pairs from a mapping.")
			}
		}
		return it.next()
	}}, nil
}

func joinFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("sync_do_join", 1, "value", "d=", "attribute=")
	if err != nil {
		return nil, err
	}
	separator, err := rt.str(b.or(1, ""))
	if err != nil {
		return nil, err
	}
	get, err := rt.getter(b.or(2, nil), true, nil)
	if err != nil {
		return nil, err
	}
	var parts []Value
	err = rt.each(b[0], func(item Value) error {
		v, err := get(item)
		if err != nil {
			return err
		}
		s, err := rt.str(v)
		if err != nil {
			return err
		}
		parts = append(parts, s)
		return rt.alloc(itemSize)
	})
	if err != nil {
		return nil, err
	}
	return rt.join(separator, parts)
}

func sumFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("sync_do_sum", 1, "iterable", "attribute=", "start=")
	if err != nil {
		return nil, err
	}
	get, err := rt.getter(b.or(1, nil), true, nil)
	if err != nil {
		return nil, err
	}
	sum := b.or(2, int64(0))
	if _, ok := text(sum); ok {
		return nil, typeError("sum() can't sum strings [use ''.join(seq) instead]")
	}
	err = rt.each(b[0], func(item Value) error {
		v, err := get(item)
		if err != nil {
			return err
		}
		sum, err = rt.binary("+", sum, v)
		return err
	})
	return sum, err
}

func batchFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_batch", 0, "value", "linecount", "fill_with=")
	if err != nil {
		return nil, err
	}
	all, err := rt.list(b[0])
	if err != nil {
		return nil, err
	}
	n, err := b.int(1, 0)
	if err != nil {
		return nil, err
	}
	var rows []Value
	if n == 0 && len(all) > 0 {
		rows = append(rows, &List{}) // Jinja finds the row full before its first item
	}
	for len(all) > 0 {
		size := len(all)
		if n > 0 {
			size = int(min(n, int64(size)))
		}
		row := slices.Clone(all[:size])
		all = all[size:]
		if b.has(2) && int64(size) < n {
			if err := rt.alloc(itemSize * int(min(n, 1<<40))); err != nil {
				return nil, err
			}
			for int64(len(row)) < n {
				row = append(row, b[2])
			}
		}
		rows = append(rows, &List{row})
	}
	it := items(rows)
	it.kind = "generator"
	return it, nil
}

func sliceFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("sync_do_slice", 0, "value", "slices", "fill_with=")
	if err != nil {
		return nil, err
	}
	all, err := rt.list(b[0])
	if err != nil {
		return nil, err
	}
	n, err := b.int(1, 1)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, raise("ZeroDivisionError", "integer division or modulo by zero")
	}
	if err := rt.alloc(itemSize * int(min(max(n, 0), 1<<40))); err != nil {
		return nil, err
	}
	var columns []Value
	size, extra := int64(len(all))/n, int64(len(all))%n
	for i := range n {
		length := size
		if i < extra {
			length++
		}
		column := slices.Clone(all[:length])
		all = all[length:]
		if b.has(2) && i >= extra {
			column = append(column, b[2])
		}
		columns = append(columns, &List{column})
	}
	it := items(columns)
	it.kind = "generator"
	return it, nil
}
