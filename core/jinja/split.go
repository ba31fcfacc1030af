package jinja

import (
	"slices"
	"strings"
	"unicode/utf8"
)

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
