package jinja

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func itoa(n int) string { return strconv.Itoa(n) }

// getattr is v.name: an attribute of the Python object, else the item of that name.
func (rt *runtime) getattr(v Value, name string) (Value, error) {
	if u, ok := v.(*Undefined); ok {
		return nil, u.fail()
	}
	if a, ok, err := rt.attribute(v, name); err != nil || ok {
		return a, err
	}
	if item, ok, err := rt.item(v, name); ok || err != nil && !isLookupError(err) {
		return item, err
	}
	return &Undefined{obj: v, name: name}, nil
}

// getitem is v[index]: the item, else the attribute of that name.
func (rt *runtime) getitem(v, index Value) (Value, error) {
	if u, ok := v.(*Undefined); ok {
		return nil, u.fail()
	}
	if item, ok, err := rt.item(v, index); ok || err != nil && !isLookupError(err) {
		return item, err
	}
	if name, ok := text(index); ok {
		if a, ok, err := rt.attribute(v, name); err != nil || ok {
			return a, err
		}
	}
	return &Undefined{obj: v, name: index}, nil
}

// isLookupError says whether Jinja takes an error for "there is no such item".
func isLookupError(err error) bool {
	e, ok := err.(*Error)
	return ok && (e.Kind == "TypeError" || e.Kind == "IndexError")
}

// item is Python's v[index].
func (rt *runtime) item(v, i Value) (Value, bool, error) {
	switch v := v.(type) {
	case *Object:
		return rt.lookup(v, i)
	case string, Markup:
		return rt.character(v, i)
	case *List:
		return itemAt(v.Items, i)
	case *Tuple:
		return itemAt(v.Items, i)
	case *Range:
		n, err := index(i)
		if n < 0 {
			n += v.len()
		}
		return v.start + n*v.step, err == nil && n >= 0 && n < v.len(), err
	}
	return nil, false, nil
}

func itemAt(items []Value, i Value) (Value, bool, error) {
	n, err := index(i)
	if n < 0 {
		n += int64(len(items))
	}
	if err != nil || n < 0 || n >= int64(len(items)) {
		return nil, false, err
	}
	return items[n], true, nil
}

// character is one character of a text.
func (rt *runtime) character(v, i Value) (Value, bool, error) {
	n, err := index(i)
	if err != nil {
		return nil, false, err
	}
	s, _ := text(v)
	if err := rt.use(len(s) / 16); err != nil {
		return nil, false, err
	}
	if n < 0 {
		n += int64(utf8.RuneCountInString(s))
	}
	if n < 0 || n >= int64(len(s)) {
		return nil, false, nil
	}
	for _, r := range s {
		if n == 0 {
			_, markup := v.(Markup)
			return like(string(r), markup), true, nil
		}
		n--
	}
	return nil, false, nil
}

// slice is Python's v[start:stop:step].
func (rt *runtime) slice(v Value, bounds [3]Value) (Value, error) {
	if u, ok := v.(*Undefined); ok {
		return nil, u.fail()
	}
	if s, ok := text(v); ok {
		_, markup := v.(Markup)
		return rt.sliceText(s, bounds, markup)
	}
	switch v := v.(type) {
	case *List:
		items, err := rt.sliceItems(v.Items, bounds)
		return &List{items}, err
	case *Tuple:
		items, err := rt.sliceItems(v.Items, bounds)
		return newTuple(items...), err
	case *Range:
		start, stop, step, err := sliceBounds(bounds, v.len())
		return &Range{v.start + start*v.step, v.start + stop*v.step, v.step * step}, err
	case *Object:
		return nil, typeError("unhashable type: 'slice'")
	}
	return nil, typeError("'%s' object is not subscriptable", typeName(v))
}

func (rt *runtime) sliceText(s string, bounds [3]Value, markup bool) (Value, error) {
	if err := rt.alloc(4 * len(s)); err != nil {
		return nil, err
	}
	if isASCII(s) && bounds[2] == nil {
		start, stop, _, err := sliceBounds(bounds, int64(len(s)))
		return like(s[start:max(start, stop)], markup), err
	}
	runes := []rune(s)
	start, stop, step, err := sliceBounds(bounds, int64(len(runes)))
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		b.WriteRune(runes[i])
	}
	return like(b.String(), markup), nil
}

func (rt *runtime) sliceItems(all []Value, bounds [3]Value) ([]Value, error) {
	if err := rt.alloc(itemSize * len(all)); err != nil {
		return nil, err
	}
	start, stop, step, err := sliceBounds(bounds, int64(len(all)))
	if err != nil {
		return nil, err
	}
	var out []Value
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		out = append(out, all[i])
	}
	return out, nil
}

// sliceBounds is Python's slice.indices, with a step that cannot overflow an index.
func sliceBounds(bounds [3]Value, n int64) (start, stop, step int64, err error) {
	step = 1
	if bounds[2] != nil {
		if step, err = sliceIndex(bounds[2]); err != nil {
			return 0, 0, 0, err
		}
		if step == 0 {
			return 0, 0, 0, valueError("slice step cannot be zero")
		}
		step = min(max(step, -n-1), n+1)
	}
	low, high := int64(0), n
	start, stop = 0, n
	if step < 0 {
		low, high = -1, n-1
		start, stop = n-1, -1
	}
	for i, bound := range []*int64{&start, &stop} {
		if bounds[i] == nil {
			continue
		}
		v, err := sliceIndex(bounds[i])
		if err != nil {
			return 0, 0, 0, err
		}
		if v < 0 {
			v += n
		}
		*bound = min(max(v, low), high)
	}
	return start, stop, step, nil
}

func sliceIndex(v Value) (int64, error) {
	n, err := index(v)
	if err != nil {
		return 0, typeError("slice indices must be integers or None or have an __index__ method")
	}
	return n, nil
}

// unsafeMethods are those the sandbox hides, for they change a value in place.
var unsafeMethods = map[string][]string{
	"list": {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"},
	"dict": {"clear", "pop", "popitem", "setdefault", "update"},
}

// attribute is an attribute of the Python object that the value stands for.
func (rt *runtime) attribute(v Value, name string) (Value, bool, error) {
	kind := typeName(v)
	if slices.Contains(unsafeMethods[kind], name) || hasDunder(v, name) {
		return &Undefined{
			hint: "access to attribute " + reprString(name) + " of " + reprString(kind) + " object is unsafe.",
			obj:  v, name: name, kind: "SecurityError"}, true, nil
	}
	switch v := v.(type) {
	case string, Markup:
		return stringMethod(v, name)
	case *Object:
		m, ok := dictMethod(v, name)
		return m, ok, nil
	case *List:
		m, ok := sequenceMethod(v.Items, "list", name)
		return m, ok, nil
	case *Tuple:
		if i := slices.Index(v.names, name); i >= 0 {
			return v.Items[i], true, nil
		}
		m, ok := sequenceMethod(v.Items, "tuple", name)
		return m, ok, nil
	case *Namespace:
		return rt.lookup(v.attrs, name)
	case *loopContext:
		return v.attr(name)
	case *Macro:
		return v.attr(name)
	case *cycler:
		return v.attr(name)
	case *joiner:
		return v.attr(name)
	case bool, int64, *big.Int, float64:
		return numberAttr(v, name)
	case *Range:
		m, ok := v.attr(name)
		return m, ok, nil
	case *Func:
		return v.attr(name)
	}
	return nil, false, nil
}

// dunders are the special attributes that every Python object has.
var dunders = []string{
	"__class__", "__delattr__", "__dir__", "__doc__", "__eq__", "__format__", "__ge__", "__getattribute__", "__getstate__",
	"__gt__", "__hash__", "__init__", "__init_subclass__", "__le__", "__lt__", "__ne__", "__new__", "__reduce__",
	"__reduce_ex__", "__repr__", "__setattr__", "__sizeof__", "__str__", "__subclasshook__",
}

// containerDunders are those of texts, sequences and dicts besides.
var containerDunders = []string{"__contains__", "__getitem__", "__iter__", "__len__"}

func hasDunder(v Value, name string) bool {
	if !strings.HasPrefix(name, "__") {
		return false
	}
	switch v.(type) {
	case *Namespace:
		return name == "__class__"
	case string, Markup, *List, *Tuple, *Object, *Range:
		return slices.Contains(dunders, name) || slices.Contains(containerDunders, name)
	}
	return slices.Contains(dunders, name)
}

func (m *Macro) attr(name string) (Value, bool, error) {
	switch name {
	case "name":
		if m.name == "" {
			return nil, true, nil
		}
		return m.name, true, nil
	case "arguments":
		var names []Value
		for _, param := range m.body.params {
			names = append(names, param.name)
		}
		return newTuple(names...), true, nil
	case "catch_kwargs":
		return m.body.kwargs >= 0, true, nil
	case "catch_varargs":
		return m.body.varargs >= 0, true, nil
	case "caller":
		return m.body.caller >= 0, true, nil
	}
	return nil, false, nil
}

func (r *Range) attr(name string) (Value, bool) {
	switch name {
	case "start":
		return r.start, true
	case "stop":
		return r.stop, true
	case "step":
		return r.step, true
	}
	return nil, false
}

// attr of a function: dict.fromkeys is the one that templates may use.
func (f *Func) attr(name string) (Value, bool, error) {
	if f == globals["dict"] && name == "fromkeys" {
		return method(name, dictFromKeys), true, nil
	}
	return nil, false, nil
}

// numberAttr is an attribute of an int, bool or float.
func numberAttr(v Value, name string) (Value, bool, error) {
	_, isFloat := v.(float64)
	switch {
	case name == "real":
		n, err := unary("+", v)
		return n, true, err
	case name == "imag" && isFloat:
		return 0.0, true, nil
	case name == "imag":
		return int64(0), true, nil
	case !isFloat && name == "numerator":
		n, err := unary("+", v)
		return n, true, err
	case !isFloat && name == "denominator":
		return int64(1), true, nil
	case slices.Contains(otherNumberAttrs, name):
		return nil, false, unsupported("the attribute %q of a number", name)
	}
	return nil, false, nil
}

var otherNumberAttrs = []string{
	"as_integer_ratio", "bit_count", "bit_length", "conjugate", "from_bytes", "fromhex", "hex", "is_integer", "to_bytes",
}
