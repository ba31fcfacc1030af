package jinja

import (
	"slices"
	"strings"
	"unicode"
)

// textMethod works on a text's characters. The results that are texts, alone or in lists, are marked safe where the
// text was.
type textMethod func(rt *runtime, s string, a *args) (Value, error)

// stringMethods are the methods of str by name; those that Python has besides are in omittedMethods.
var stringMethods map[string]textMethod

func init() {
	stringMethods = map[string]textMethod{
		"upper": mapped("upper", upper), "lower": mapped("lower", lower), "title": mapped("title", title),
		"capitalize": mapped("capitalize", capitalize), "swapcase": mapped("swapcase", swapcase),
		"casefold": mapped("casefold", casefold),
		"strip":    stripped("strip", true, true), "lstrip": stripped("lstrip", true, false),
		"rstrip": stripped("rstrip", false, true),
		"split":  split, "rsplit": rsplit, "splitlines": splitlines,
		"partition": partition, "rpartition": rpartition,
		"startswith": affixed("startswith", strings.HasPrefix), "endswith": affixed("endswith", strings.HasSuffix),
		"removeprefix": trimmed("removeprefix", strings.TrimPrefix), "removesuffix": trimmed("removesuffix", strings.TrimSuffix),
		"replace": replaceMethod, "join": joinMethod, "count": countMethod,
		"find": search("find", strings.Index, false), "rfind": search("rfind", strings.LastIndex, false),
		"index": search("index", strings.Index, true), "rindex": search("rindex", strings.LastIndex, true),
		"center": padded("center", bothSides), "ljust": padded("ljust", rightSide), "rjust": padded("rjust", leftSide),
		"zfill": zfill, "expandtabs": expandtabs,
		"format": formatMethod, "format_map": formatMapMethod,
		"isalpha":      tested("isalpha", func(s string) bool { return all(s, unicode.IsLetter) }),
		"isalnum":      tested("isalnum", func(s string) bool { return all(s, isAlnumRune) }),
		"isascii":      tested("isascii", isASCII),
		"isdecimal":    tested("isdecimal", func(s string) bool { return all(s, isDecimalRune) }),
		"isdigit":      tested("isdigit", func(s string) bool { return all(s, isDigitRune) }),
		"isidentifier": tested("isidentifier", isIdentifier),
		"islower":      tested("islower", func(s string) bool { return allCased(s, isLower, isUpper) }),
		"isnumeric":    tested("isnumeric", func(s string) bool { return all(s, isNumericRune) }),
		"isprintable":  tested("isprintable", func(s string) bool { return s == "" || all(s, unicode.IsPrint) }),
		"isspace":      tested("isspace", func(s string) bool { return all(s, isSpace) }),
		"istitle":      tested("istitle", isTitle),
		"isupper":      tested("isupper", func(s string) bool { return allCased(s, isUpper, isLower) }),
	}
}

var omittedMethods = []string{"encode", "maketrans", "translate"}

// stringMethod is a bound method of a text.
func stringMethod(v Value, name string) (Value, bool, error) {
	m := stringMethods[name]
	if m == nil {
		if slices.Contains(omittedMethods, name) {
			return nil, false, unsupported("the method str.%s", name)
		}
		return nil, false, nil
	}
	s, _ := text(v)
	_, markup := v.(Markup)
	return method(name, func(rt *runtime, a *args) (Value, error) {
		if err := rt.use(len(s) / 64); err != nil {
			return nil, err
		}
		if markup {
			a = escapeArgs(name, a)
		}
		result, err := m(rt, s, a)
		if markup {
			result = marked(result)
		}
		return result, err
	}), true, nil
}

// escapeArgs escapes what Markup's methods put into a text.
func escapeArgs(name string, a *args) *args {
	if name != "join" && name != "replace" && name != "format" {
		return a
	}
	out := &args{}
	for i, v := range a.pos {
		if name == "replace" && i == 0 {
			out.pos = append(out.pos, v)
			continue
		}
		out.pos = append(out.pos, escaped(v))
	}
	for _, k := range a.kw {
		out.kw = append(out.kw, keyword{k.name, escaped(k.value)})
	}
	return out
}

// escaped is a value with its texts escaped; lists of them too.
func escaped(v Value) Value {
	switch v := v.(type) {
	case string:
		return Markup(escapeHTML(v))
	case *List:
		return &List{escapedAll(v.Items)}
	case *Tuple:
		return newTuple(escapedAll(v.Items)...)
	}
	return v
}

func escapedAll(items []Value) []Value {
	out := make([]Value, len(items))
	for i, item := range items {
		out[i] = escaped(item)
	}
	return out
}

// marked marks a result's texts safe.
func marked(v Value) Value {
	switch v := v.(type) {
	case string:
		return Markup(v)
	case *List:
		for i := range v.Items {
			v.Items[i] = marked(v.Items[i])
		}
	case *Tuple:
		for i := range v.Items {
			v.Items[i] = marked(v.Items[i])
		}
	}
	return v
}

func mapped(name string, f func(string) string) textMethod {
	return func(rt *runtime, s string, a *args) (Value, error) {
		if err := noArgs("str."+name, a); err != nil {
			return nil, err
		}
		return f(s), rt.alloc(4 * len(s))
	}
}

func tested(name string, f func(string) bool) textMethod {
	return func(_ *runtime, s string, a *args) (Value, error) {
		return f(s), noArgs("str."+name, a)
	}
}

// strip is Python's str.strip with the characters of the argument, white space without one.
func strip(name, s string, chars Value, left, right bool) (string, error) {
	in := isSpace
	if chars != nil {
		set, ok := text(chars)
		if !ok {
			return "", typeError("%s arg must be None or str", name)
		}
		in = func(r rune) bool { return strings.ContainsRune(set, r) }
	}
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s, nil
}

func stripped(name string, left, right bool) textMethod {
	return func(rt *runtime, s string, a *args) (Value, error) {
		if len(a.kw) > 0 {
			return nil, typeError("str.%s() takes no keyword arguments", name)
		}
		if err := positional(name, a, 0, 1); err != nil {
			return nil, err
		}
		var chars Value
		if len(a.pos) == 1 {
			chars = a.pos[0]
			if set, ok := text(chars); ok {
				if err := rt.use(len(s) / 64 * len(set) / 4); err != nil {
					return nil, err
				}
			}
		}
		return strip(name, s, chars, left, right)
	}
}

func joinMethod(rt *runtime, s string, a *args) (Value, error) {
	if len(a.kw) > 0 {
		return nil, typeError("str.join() takes no keyword arguments")
	}
	if len(a.pos) != 1 {
		return nil, typeError("str.join() takes exactly one argument (%d given)", len(a.pos))
	}
	if _, err := rt.iterate(a.pos[0]); err != nil {
		return nil, typeError("can only join an iterable")
	}
	parts, err := rt.list(a.pos[0])
	if err != nil {
		return nil, err
	}
	for i, v := range parts {
		if _, ok := text(v); !ok {
			return nil, typeError("sequence item %d: expected str instance, %s found", i, typeName(v))
		}
	}
	return rt.join(s, parts)
}
