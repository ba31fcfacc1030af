package jinja

import (
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"unicode/utf8"
)

// Value is a Python value as templates see it: nil (None), bool, int64, *big.Int (an int beyond int64), float64,
// string, Markup, *List, *Tuple, *Object (a dict), or one of the kinds only a template makes.
type Value any

type (
	// List is a Python list. Templates cannot change one.
	List struct{ Items []Value }
	// Tuple is a Python tuple; one made by groupby names its items.
	Tuple struct {
		Items []Value
		names []string
	}
	// Markup is a string marked safe for HTML: what it is joined with gets escaped.
	Markup string
	// Range is a Python range.
	Range struct{ start, stop, step int64 }
	// Namespace is what namespace() makes: the one thing a template can assign attributes of.
	Namespace struct{ attrs *Object }
	// View is what a dict's keys, values and items methods return.
	View struct {
		dict *Object
		kind string // dict_keys, dict_values or dict_items
	}
)

// Undefined is the value of a name, attribute or item that is not there. It prints as nothing; nearly anything else
// done with it raises an error.
type Undefined struct {
	hint string
	obj  Value // missing where a name is not defined
	name Value
	kind string // of the error; "" means UndefinedError
	lax  bool   // whatever the environment: it is what a condition without else gives
}

// missing is in a variable's slot before it is set.
var missing = &struct{ _ byte }{}

func undefinedName(name string) *Undefined { return &Undefined{obj: missing, name: name} }
func undefinedHint(hint string) *Undefined { return &Undefined{hint: hint, obj: missing} }

// fail is the error of using the value.
func (u *Undefined) fail() error {
	kind := u.kind
	if kind == "" {
		kind = "UndefinedError"
	}
	if u.hint != "" {
		return raise(kind, "%s", u.hint)
	}
	name, isString := u.name.(string)
	if u.obj == missing {
		return raise(kind, "%s is undefined", reprString(name))
	}
	if isString {
		return raise(kind, "%s has no attribute %s", reprString(objectType(u.obj)), reprString(name))
	}
	return raise(kind, "%s has no element %s", objectType(u.obj), shortRepr(u.name))
}

// shortRepr is the repr of a value for an error message.
func shortRepr(v Value) string {
	s, err := newRuntime(DefaultLimits).repr(v)
	if err != nil {
		return typeName(v)
	}
	return s
}

// typeName is the name of a value's Python type.
func typeName(v Value) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Markup:
		return "Markup"
	case *List:
		return "list"
	case *Tuple:
		if v.names != nil {
			return "_GroupTuple"
		}
		return "tuple"
	case *Object:
		return "dict"
	case *Undefined:
		return "Undefined"
	case *Range:
		return "range"
	case *Namespace:
		return "TemplateNamespace"
	case *View:
		return v.kind
	case *Iterator:
		return v.kind
	case *Macro:
		return "Macro"
	case *loopContext:
		return "LoopContext"
	case *cycler:
		return "Cycler"
	case *joiner:
		return "Joiner"
	case *Func:
		return v.kind
	}
	return "object"
}

// modules of the types that are not Python's builtins.
var modules = map[string]string{
	"Markup": "markupsafe", "_GroupTuple": "jinja2.filters", "Undefined": "jinja2.runtime", "Macro": "jinja2.runtime",
	"LoopContext": "jinja2.runtime", "Cycler": "jinja2.utils", "Joiner": "jinja2.utils",
	"TemplateNamespace": "transformers.utils.chat_template_utils",
}

// objectType describes a value's type in an undefined value's message.
func objectType(v Value) string {
	if v == nil {
		return "None"
	}
	name := typeName(v)
	if module := modules[name]; module != "" {
		name = module + "." + name
	}
	return name + " object"
}

// text is the characters of a string or Markup.
func text(v Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Markup:
		return string(v), true
	}
	return "", false
}

// sequence is the items of a list or tuple.
func sequence(v Value) ([]Value, bool) {
	switch v := v.(type) {
	case *List:
		return v.Items, true
	case *Tuple:
		return v.Items, true
	}
	return nil, false
}

func newTuple(items ...Value) *Tuple { return &Tuple{Items: items} }

// truth is the value in a condition.
func truth(v Value) bool {
	switch v := v.(type) {
	case nil, *Undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case Markup:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case *Tuple:
		return len(v.Items) > 0
	case *Object:
		return v.Len() > 0
	case *View:
		return v.dict.Len() > 0
	case *Range:
		return v.len() > 0
	case *loopContext:
		n, err := v.length()
		return err != nil || n > 0
	}
	return true
}

// length is Python's len.
func (rt *runtime) length(v Value) (int, error) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), rt.use(len(v) / 8)
	case Markup:
		return utf8.RuneCountInString(string(v)), rt.use(len(v) / 8)
	case *List:
		return len(v.Items), nil
	case *Tuple:
		return len(v.Items), nil
	case *Object:
		return v.Len(), nil
	case *View:
		return v.dict.Len(), nil
	case *Range:
		return int(v.len()), nil
	case *Undefined:
		return 0, nil
	case *loopContext:
		return v.length()
	}
	return 0, typeError("object of type '%s' has no len()", typeName(v))
}

// maxDepth is how deep a value given from outside may nest.
const maxDepth = 500

// ValueOf turns a Go value into a template's: nil, booleans, all integers and floats, strings, slices and arrays
// (list), maps with string keys (dict, keys sorted, for Go keeps no order), *Object and other Values as they are,
// pointers to those.
func ValueOf(v any) (Value, error) { return valueOf(v, 0) }

func valueOf(v any, depth int) (Value, error) {
	if depth > maxDepth {
		return nil, valueError("the value nests more than %d deep", maxDepth)
	}
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v, nil
	case string:
		return v, validText(v)
	case *Object:
		return v, validItems(append(slices.Clone(v.keys), v.values...), depth)
	case *List:
		return v, validItems(v.Items, depth)
	case *Tuple:
		return v, validItems(v.Items, depth)
	case *big.Int:
		return normInt(v), nil
	}
	return reflected(reflect.ValueOf(v), depth)
}

func validText(s string) error {
	if !utf8.ValidString(s) {
		return valueError("the text %q is not valid UTF-8; decode it first", firstBytes(s, 40))
	}
	return nil
}

func firstBytes(s string, n int) string { return s[:min(n, len(s))] }

// validItems checks values that are taken as they are.
func validItems(items []Value, depth int) error {
	for _, item := range items {
		converted, err := valueOf(item, depth+1)
		if err != nil {
			return err
		}
		if reflect.TypeOf(converted) != reflect.TypeOf(item) {
			return typeError("a %T inside a list or object of a template's values; pass it through ValueOf first", item)
		}
	}
	return nil
}

func reflected(v reflect.Value, depth int) (Value, error) {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return normInt(new(big.Int).SetUint64(v.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.String:
		return v.String(), validText(v.String())
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return valueOf(v.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		list := &List{Items: make([]Value, v.Len())}
		for i := range list.Items {
			item, err := valueOf(v.Index(i).Interface(), depth+1)
			if err != nil {
				return nil, err
			}
			list.Items[i] = item
		}
		return list, nil
	case reflect.Map:
		return reflectedMap(v, depth)
	}
	return nil, typeError("a %s cannot be given to a template; use strings, numbers, lists and objects", v.Type())
}

func reflectedMap(v reflect.Value, depth int) (Value, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, typeError("a %s cannot be given to a template; its keys must be strings", v.Type())
	}
	values := map[string]any{}
	for _, key := range v.MapKeys() {
		values[key.String()] = v.MapIndex(key).Interface()
	}
	object := NewObject()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		item, err := valueOf(values[key], depth+1)
		if err != nil {
			return nil, err
		}
		if err := validText(key); err != nil {
			return nil, err
		}
		object.Set(key, item)
	}
	return object, nil
}

// normInt is an int as int64 where it fits.
func normInt(n *big.Int) Value {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// bigInt is an int or bool as a big.Int.
func bigInt(v Value) (*big.Int, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewInt(1), true
		}
		return new(big.Int), true
	case int64:
		return big.NewInt(v), true
	case *big.Int:
		return v, true
	}
	return nil, false
}

// smallInt is an int or bool that fits int64.
func smallInt(v Value) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	}
	return 0, false
}

// index is a value that must be an int, as an argument or subscript; ints beyond int64 go to its ends.
func index(v Value) (int64, error) {
	if n, ok := smallInt(v); ok {
		return n, nil
	}
	if n, ok := v.(*big.Int); ok {
		if n.Sign() < 0 {
			return math.MinInt64, nil
		}
		return math.MaxInt64, nil
	}
	return 0, typeError("'%s' object cannot be interpreted as an integer", typeName(v))
}

// float is a number as a float64.
func float(v Value) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	}
	n, ok := smallInt(v)
	return float64(n), ok
}

func isNumber(v Value) bool {
	_, ok := float(v)
	return ok
}
