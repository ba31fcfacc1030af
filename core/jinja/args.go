package jinja

import (
	"fmt"
	"strings"
)

// args are the evaluated arguments of a call.
type args struct {
	pos []Value
	kw  []keyword
}

type keyword struct {
	name  string
	value Value
}

// take removes a keyword argument and returns its value.
func (a *args) take(name string) (Value, bool) {
	for i, k := range a.kw {
		if k.name == name {
			a.kw = append(a.kw[:i:i], a.kw[i+1:]...)
			return k.value, true
		}
	}
	return nil, false
}

// bound are arguments by parameter, missing where one was left out.
type bound []Value

// bind gives a function's parameters their values. A parameter whose name ends in "=" may be left out. hidden is how
// many parameters the caller does not see but Python's message counts.
func (a *args) bind(function string, hidden int, params ...string) (bound, error) {
	b := make(bound, len(params))
	required := 0
	for i, param := range params {
		b[i] = missing
		if !strings.HasSuffix(param, "=") {
			required++
		}
	}
	if len(a.pos) > len(params) {
		return nil, typeError("%s() takes %s but %d %s given", function, arity(required+hidden, len(params)+hidden),
			len(a.pos)+hidden, plural(len(a.pos)+hidden, "was", "were"))
	}
	copy(b, a.pos)
	for _, k := range a.kw {
		i := paramIndex(params, k.name)
		if i < 0 {
			return nil, typeError("%s() got an unexpected keyword argument %s", function, reprString(k.name))
		}
		if b[i] != missing {
			return nil, typeError("%s() got multiple values for argument %s", function, reprString(k.name))
		}
		b[i] = k.value
	}
	var absent []string
	for i, param := range params {
		if b[i] == missing && !strings.HasSuffix(param, "=") {
			absent = append(absent, reprString(param))
		}
	}
	if len(absent) > 0 {
		return nil, typeError("%s() missing %d required positional %s: %s", function, len(absent),
			plural(len(absent), "argument", "arguments"), enumerate(absent))
	}
	return b, nil
}

func paramIndex(params []string, name string) int {
	for i, param := range params {
		if strings.TrimSuffix(param, "=") == name {
			return i
		}
	}
	return -1
}

func arity(least, most int) string {
	if least == most {
		return fmt.Sprintf("%d positional %s", most, plural(most, "argument", "arguments"))
	}
	return fmt.Sprintf("from %d to %d positional arguments", least, most)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// enumerate writes names as Python's messages do: a; a and b; a, b, and c.
func enumerate(names []string) string {
	switch n := len(names); n {
	case 1:
		return names[0]
	case 2:
		return names[0] + " and " + names[1]
	default:
		return strings.Join(names[:n-1], ", ") + ", and " + names[n-1]
	}
}

// has says whether the argument was given, and not as None.
func (b bound) has(i int) bool { return b[i] != missing && b[i] != nil }

// or is an argument, or what stands for it where it was left out.
func (b bound) or(i int, otherwise Value) Value {
	if b[i] == missing {
		return otherwise
	}
	return b[i]
}

// truth is a boolean argument, false where left out.
func (b bound) truth(i int) bool { return b[i] != missing && truth(b[i]) }

// int is an integer argument.
func (b bound) int(i int, otherwise int64) (int64, error) {
	if b[i] == missing {
		return otherwise, nil
	}
	return index(b[i])
}

// bindBuiltin is bind for a method written in C, whose parameters may all be left out and whose messages differ.
func (a *args) bindBuiltin(name string, params ...string) (bound, error) {
	if n := len(a.pos) + len(a.kw); n > len(params) {
		return nil, typeError("%s() takes at most %d %s (%d given)", name, len(params), plural(len(params), "argument", "arguments"), n)
	}
	b := make(bound, len(params))
	for i := range b {
		b[i] = missing
	}
	copy(b, a.pos)
	for _, k := range a.kw {
		i := paramIndex(params, k.name)
		if i < 0 {
			return nil, typeError("%s is an invalid keyword argument for %s()", reprString(k.name), name)
		}
		if b[i] != missing {
			return nil, typeError("argument for %s() given by name (%s) and position (%d)", name, reprString(k.name), i+1)
		}
		b[i] = k.value
	}
	return b, nil
}
