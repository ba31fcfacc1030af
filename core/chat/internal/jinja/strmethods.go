package jinja

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
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

// splitArgs are the separator, "" for white space, and the most cuts, -1 for all.
func splitArgs(name string, a *args) (separator string, most int64, err error) {
	b, err := a.bindBuiltin(name, "sep", "maxsplit")
	if err != nil {
		return "", 0, err
	}
	if most, err = b.int(1, -1); err != nil || !b.has(0) {
		return "", most, err
	}
	separator, ok := text(b[0])
	if !ok {
		return "", 0, typeError("must be str or None, not %s", typeName(b[0]))
	}
	if separator == "" {
		return "", 0, valueError("empty separator")
	}
	return separator, most, nil
}

// reserve counts the parts that a text is about to be cut into.
func (rt *runtime) reserve(s string, parts int) error { return rt.alloc(len(s) + itemSize*parts) }

// countFunc is the number of characters of the class.
func countFunc(s string, class func(rune) bool) int {
	n := 0
	for _, r := range s {
		if class(r) {
			n++
		}
	}
	return n
}

func split(rt *runtime, s string, a *args) (Value, error) {
	separator, most, err := splitArgs("split", a)
	if err != nil {
		return nil, err
	}
	if separator == "" {
		return splitSpace(rt, s, most)
	}
	if err := rt.reserve(s, strings.Count(s, separator)); err != nil {
		return nil, err
	}
	var parts []Value
	for int64(len(parts)) != most {
		before, after, ok := strings.Cut(s, separator)
		if !ok {
			break
		}
		parts = append(parts, before)
		s = after
	}
	return &List{append(parts, s)}, nil
}

func splitSpace(rt *runtime, s string, most int64) (Value, error) {
	if err := rt.reserve(s, countFunc(s, isSpace)); err != nil {
		return nil, err
	}
	var parts []Value
	for s = strings.TrimLeftFunc(s, isSpace); s != ""; {
		i := strings.IndexFunc(s, isSpace)
		if i < 0 || int64(len(parts)) == most {
			i = len(s)
		}
		parts = append(parts, s[:i])
		s = strings.TrimLeftFunc(s[i:], isSpace)
	}
	return &List{parts}, nil
}

func rsplit(rt *runtime, s string, a *args) (Value, error) {
	separator, most, err := splitArgs("rsplit", a)
	if err != nil {
		return nil, err
	}
	if separator == "" {
		return rsplitSpace(rt, s, most)
	}
	if err := rt.reserve(s, strings.Count(s, separator)); err != nil {
		return nil, err
	}
	var parts []Value
	for int64(len(parts)) != most {
		i := strings.LastIndex(s, separator)
		if i < 0 {
			break
		}
		parts = append(parts, s[i+len(separator):])
		s = s[:i]
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	return &List{parts}, nil
}

func rsplitSpace(rt *runtime, s string, most int64) (Value, error) {
	if err := rt.reserve(s, countFunc(s, isSpace)); err != nil {
		return nil, err
	}
	var parts []Value
	for s = strings.TrimRightFunc(s, isSpace); s != ""; {
		i := strings.LastIndexFunc(s, isSpace)
		if i < 0 || int64(len(parts)) == most {
			parts = append(parts, s)
			break
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		parts = append(parts, s[i+n:])
		s = strings.TrimRightFunc(s[:i], isSpace)
	}
	slices.Reverse(parts)
	return &List{parts}, nil
}

func splitlines(rt *runtime, s string, a *args) (Value, error) {
	b, err := a.bindBuiltin("splitlines", "keepends")
	if err != nil {
		return nil, err
	}
	if err := rt.reserve(s, countFunc(s, isLineEnd)); err != nil {
		return nil, err
	}
	return &List{splitLines(s, b.truth(0))}, nil
}

// oneText is the one text argument of a method.
func oneText(name string, a *args) (string, error) {
	if len(a.kw) > 0 {
		return "", typeError("str.%s() takes no keyword arguments", name)
	}
	if len(a.pos) != 1 {
		return "", typeError("str.%s() takes exactly one argument (%d given)", name, len(a.pos))
	}
	s, ok := text(a.pos[0])
	if !ok {
		return "", typeError("%s", map[string]string{
			"partition": "must be str, not " + typeName(a.pos[0]), "rpartition": "must be str, not " + typeName(a.pos[0]),
			"removeprefix": "removeprefix() argument must be str, not " + typeName(a.pos[0]),
			"removesuffix": "removesuffix() argument must be str, not " + typeName(a.pos[0]),
		}[name])
	}
	return s, nil
}

func trimmed(name string, trim func(s, affix string) string) textMethod {
	return func(_ *runtime, s string, a *args) (Value, error) {
		affix, err := oneText(name, a)
		return trim(s, affix), err
	}
}

func partition(rt *runtime, s string, a *args) (Value, error) {
	separator, err := oneText("partition", a)
	if err != nil {
		return nil, err
	}
	if separator == "" {
		return nil, valueError("empty separator")
	}
	if i := strings.Index(s, separator); i >= 0 {
		return newTuple(s[:i], separator, s[i+len(separator):]), nil
	}
	return newTuple(s, "", ""), nil
}

func rpartition(rt *runtime, s string, a *args) (Value, error) {
	separator, err := oneText("rpartition", a)
	if err != nil {
		return nil, err
	}
	if separator == "" {
		return nil, valueError("empty separator")
	}
	if i := strings.LastIndex(s, separator); i >= 0 {
		return newTuple(s[:i], separator, s[i+len(separator):]), nil
	}
	return newTuple("", "", s), nil
}

// affixed is startswith or endswith.
func affixed(name string, has func(s, affix string) bool) textMethod {
	return func(_ *runtime, s string, a *args) (Value, error) {
		if err := searchArity(name, a); err != nil {
			return nil, err
		}
		part, ok, err := section(s, a.pos[1:])
		if err != nil {
			return nil, err
		}
		affixes := []Value{a.pos[0]}
		t, isTuple := a.pos[0].(*Tuple)
		if isTuple {
			affixes = t.Items
		}
		for _, v := range affixes {
			affix, isText := text(v)
			if !isText && isTuple {
				return nil, typeError("tuple for %s must only contain str, not %s", name, typeName(v))
			}
			if !isText {
				return nil, typeError("%s first arg must be str or a tuple of str, not %s", name, typeName(v))
			}
			if ok && has(part, affix) {
				return true, nil
			}
		}
		return false, nil
	}
}

// section is the part of a text between optional bounds in characters; not ok where the start lies behind its end.
func section(s string, bounds []Value) (string, bool, error) {
	if len(bounds) == 0 {
		return s, true, nil
	}
	n := utf8.RuneCountInString(s)
	start, stop, err := searchBounds(bounds, n)
	if err != nil {
		return "", false, err
	}
	if first, err := index(bounds[0]); err == nil && first > int64(n) || start > stop {
		return "", false, nil
	}
	from := byteOffset(s, start)
	return s[from : from+byteOffset(s[from:], stop-start)], true, nil
}

// byteOffset is where the n-th character begins.
func byteOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// searchArity checks that there is something to look for, and at most bounds besides.
func searchArity(name string, a *args) error {
	switch {
	case len(a.kw) > 0:
		return typeError("str.%s() takes no keyword arguments", name)
	case len(a.pos) < 1:
		return typeError("%s() takes at least 1 argument (0 given)", name)
	case len(a.pos) > 3:
		return typeError("%s() takes at most 3 arguments (%d given)", name, len(a.pos))
	}
	return nil
}

// searchArgs are the text looked for and the part of s to look in, with the characters before that part.
func searchArgs(name, s string, a *args) (sub, part string, before int, ok bool, err error) {
	if err := searchArity(name, a); err != nil {
		return "", "", 0, false, err
	}
	sub, isText := text(a.pos[0])
	if !isText {
		return "", "", 0, false, typeError("must be str, not %s", typeName(a.pos[0]))
	}
	part, ok, err = section(s, a.pos[1:])
	if ok && len(a.pos) > 1 {
		before, _, err = searchBounds(a.pos[1:], utf8.RuneCountInString(s))
	}
	return sub, part, before, ok, err
}

// search is find, rfind, index or rindex.
func search(name string, find func(s, sub string) int, must bool) textMethod {
	return func(_ *runtime, s string, a *args) (Value, error) {
		sub, part, before, ok, err := searchArgs(name, s, a)
		if err != nil {
			return nil, err
		}
		i := -1
		if ok {
			i = find(part, sub)
		}
		if i < 0 && must {
			return nil, valueError("substring not found")
		}
		if i < 0 {
			return int64(-1), nil
		}
		return int64(before + utf8.RuneCountInString(part[:i])), nil
	}
}

func countMethod(_ *runtime, s string, a *args) (Value, error) {
	sub, part, _, ok, err := searchArgs("count", s, a)
	if err != nil || !ok {
		return int64(0), err
	}
	return int64(strings.Count(part, sub)), nil
}

// replace is Python's str.replace.
func (rt *runtime) replace(s, old, with string, count int64) (string, error) {
	n := strings.Count(s, old)
	if count >= 0 {
		n = int(min(int64(n), count))
	}
	if err := rt.alloc(len(s) + n*len(with)); err != nil {
		return "", err
	}
	return strings.Replace(s, old, with, n), nil
}

func replaceMethod(rt *runtime, s string, a *args) (Value, error) {
	if len(a.kw) > 0 {
		return nil, typeError("str.replace() takes no keyword arguments")
	}
	if err := positional("replace", a, 2, 3); err != nil {
		return nil, err
	}
	old, okOld := text(a.pos[0])
	with, okNew := text(a.pos[1])
	if !okOld {
		return nil, typeError("replace() argument 1 must be str, not %s", typeName(a.pos[0]))
	}
	if !okNew {
		return nil, typeError("replace() argument 2 must be str, not %s", typeName(a.pos[1]))
	}
	count := int64(-1)
	if len(a.pos) == 3 {
		var err error
		if count, err = index(a.pos[2]); err != nil {
			return nil, err
		}
	}
	return rt.replace(s, old, with, count)
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
