package jinja

import (
	"strings"
	"unicode/utf8"
)

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
