package jinja

import (
	"slices"
	"strings"
)

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

// multiGetter looks up attributes separated by commas, as a list.
func (rt *runtime) multiGetter(attribute Value, caseSensitive bool) (func(Value) (Value, error), error) {
	attrs := []Value{attribute}
	if s, ok := text(attribute); ok {
		attrs = nil
		for part := range strings.SplitSeq(s, ",") {
			attrs = append(attrs, part)
		}
	}
	var getters []func(Value) (Value, error)
	for _, attr := range attrs {
		get, err := rt.getter(attr, caseSensitive, nil)
		if err != nil {
			return nil, err
		}
		getters = append(getters, get)
	}
	return func(item Value) (Value, error) {
		values := make([]Value, len(getters))
		for i, get := range getters {
			var err error
			if values[i], err = get(item); err != nil {
				return nil, err
			}
		}
		return &List{values}, nil
	}, nil
}

// sorted sorts items by key, stably, from the end where reverse is set.
func (rt *runtime) sorted(items []Value, key func(Value) (Value, error), reverse bool) ([]Value, error) {
	type keyed struct{ key, item Value }
	all := make([]keyed, len(items))
	for i, item := range items {
		k, err := key(item)
		if err != nil {
			return nil, err
		}
		all[i] = keyed{k, item}
	}
	if reverse { // as Python does, which keeps the order of equal items
		slices.Reverse(all)
	}
	var failed error
	slices.SortStableFunc(all, func(a, b keyed) int {
		for c, pair := range [][2]keyed{{a, b}, {b, a}} {
			less, err := rt.order("<", pair[0].key, pair[1].key)
			if err != nil {
				if failed == nil {
					failed = err
				}
				return 0
			}
			if less {
				return 2*c - 1
			}
		}
		return 0
	})
	if reverse {
		slices.Reverse(all)
	}
	out := make([]Value, len(all))
	for i := range all {
		out[i] = all[i].item
	}
	return out, failed
}

func sortFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_sort", 1, "value", "reverse=", "case_sensitive=", "attribute=")
	if err != nil {
		return nil, err
	}
	get, err := rt.multiGetter(b.or(3, nil), b.truth(2))
	if err != nil {
		return nil, err
	}
	items, err := rt.list(b[0])
	if err != nil {
		return nil, err
	}
	items, err = rt.sorted(items, get, b.truth(1))
	return &List{items}, err
}

func dictsortFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_dictsort", 0, "value", "case_sensitive=", "by=", "reverse=")
	if err != nil {
		return nil, err
	}
	by := b.or(2, "key")
	if by != "key" && by != "value" {
		return nil, raise("FilterArgumentError", `You can only sort by either "key" or "value"`)
	}
	o, ok := b[0].(*Object)
	if u, isUndefined := b[0].(*Undefined); isUndefined {
		return nil, u.fail()
	}
	if !ok {
		return nil, raise("AttributeError", "'%s' object has no attribute 'items'", typeName(b[0]))
	}
	position := int64(0)
	if by == "value" {
		position = 1
	}
	get, err := rt.getter(position, b.truth(1), nil)
	if err != nil {
		return nil, err
	}
	pairs, err := rt.sorted((&View{o, "dict_items"}).items(), get, b.truth(3))
	return &List{pairs}, err
}

// extremeFilter is min or max: the first item before which none comes.
func extremeFilter(name, op string) filterFunc {
	return func(rt *runtime, a *args) (Value, error) {
		b, err := a.bind(name, 1, "value", "case_sensitive=", "attribute=")
		if err != nil {
			return nil, err
		}
		get, err := rt.getter(b.or(2, nil), b.truth(1), nil)
		if err != nil {
			return nil, err
		}
		var best, bestKey Value = missing, nil
		err = rt.each(b[0], func(item Value) error {
			key, err := get(item)
			if err != nil {
				return err
			}
			better := best == missing
			if !better {
				if better, err = rt.order(op, key, bestKey); err != nil {
					return err
				}
			}
			if better {
				best, bestKey = item, key
			}
			return nil
		})
		if err == nil && best == missing {
			return undefinedHint("No aggregated item, sequence was empty."), nil
		}
		return best, err
	}
}

func uniqueFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("sync_do_unique", 1, "value", "case_sensitive=", "attribute=")
	if err != nil {
		return nil, err
	}
	get, err := rt.getter(b.or(2, nil), b.truth(1), nil)
	if err != nil {
		return nil, err
	}
	seen := map[any]bool{}
	return rt.lazily(b[0], false, func(item Value) (bool, error) {
		key, err := get(item)
		if err != nil {
			return false, err
		}
		hash, err := rt.hash(key, 0)
		if err != nil || seen[hash] {
			return false, err
		}
		seen[hash] = true
		return true, nil
	}), nil
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

func groupbyFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("sync_do_groupby", 1, "value", "attribute", "default=", "case_sensitive=")
	if err != nil {
		return nil, err
	}
	key, err := rt.getter(b[1], b.truth(3), b.or(2, nil))
	if err != nil {
		return nil, err
	}
	name, err := rt.getter(b[1], true, b.or(2, nil))
	if err != nil {
		return nil, err
	}
	all, err := rt.list(b[0])
	if err != nil {
		return nil, err
	}
	if all, err = rt.sorted(all, key, false); err != nil {
		return nil, err
	}
	var groups []Value
	var current Value = missing
	for _, item := range all {
		k, err := key(item)
		if err != nil {
			return nil, err
		}
		same := false
		if current != missing {
			if same, err = rt.equal(k, current); err != nil {
				return nil, err
			}
		}
		if same {
			members := groups[len(groups)-1].(*Tuple).Items[1].(*List)
			members.Items = append(members.Items, item)
			continue
		}
		current = k
		grouper, err := name(item)
		if err != nil {
			return nil, err
		}
		groups = append(groups, &Tuple{[]Value{grouper, &List{[]Value{item}}}, []string{"grouper", "list"}})
	}
	return &List{groups}, nil
}
