package jinja

import (
	"slices"
	"strings"
)

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
