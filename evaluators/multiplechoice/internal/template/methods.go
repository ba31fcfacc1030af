package template

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// function is a method or filter: its subject and its arguments.
type function func(v any, args []any) (any, error)

// methods are those of Python's str, list and dict.
var methods = map[string]function{
	"capitalize": onText(py.Capitalize),
	"get":        get,
	"index":      index,
	"keys":       keys,
	"lower":      onText(lower),
	"lstrip":     onText(py.LeftStrip),
	"replace":    replace,
	"rstrip":     onText(py.RightStrip),
	"split":      split,
	"strip":      onText(py.Strip),
	"upper":      onText(upper),
	"values":     values,
}

// filters are Jinja's, and lm-eval's own regex_replace.
var filters = map[string]function{
	"capitalize":    onText(py.Capitalize),
	"int":           toInt,
	"join":          join,
	"length":        length,
	"lower":         onText(lower),
	"regex_replace": regexReplace,
	"replace":       replace,
	"string":        func(v any, _ []any) (any, error) { return py.Str(v), nil },
	"trim":          onText(py.Strip),
	"upper":         onText(upper),
}

func names(of map[string]function) string {
	return strings.Join(slices.Sorted(maps.Keys(of)), ", ")
}

func lower(s string) string { return cases.Lower(language.Und).String(s) }
func upper(s string) string { return cases.Upper(language.Und).String(s) }

func onText(f func(string) string) function {
	return func(v any, args []any) (any, error) {
		texts, err := textsOf(v, args, 0)
		if err != nil {
			return nil, err
		}
		return f(texts[0]), nil
	}
}

// textsOf returns v and its want arguments as strings.
func textsOf(v any, args []any, want int) ([]string, error) {
	if len(args) != want {
		return nil, fmt.Errorf("%d arguments where it takes %d", len(args), want)
	}
	texts := make([]string, 0, 1+want)
	for _, a := range append([]any{v}, args...) {
		s, ok := a.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no text", describe(a))
		}
		texts = append(texts, s)
	}
	return texts, nil
}

func replace(v any, args []any) (any, error) {
	t, err := textsOf(v, args, 2)
	if err != nil {
		return nil, err
	}
	return strings.ReplaceAll(t[0], t[1], t[2]), nil
}

func regexReplace(v any, args []any) (any, error) {
	t, err := textsOf(v, args, 2)
	if err != nil {
		return nil, err
	}
	pattern, err := regexp.Compile(t[1])
	if err != nil {
		return nil, err
	}
	return pattern.ReplaceAllLiteralString(t[0], t[2]), nil
}

// split is str.split(separator[, maxsplit]); below 0 there is no maximum.
func split(v any, args []any) (any, error) {
	most := int64(-1)
	if len(args) == 2 {
		n, ok := args[1].(int64)
		if !ok {
			return nil, fmt.Errorf("%s is no number of splits", describe(args[1]))
		}
		most, args = n, args[:1]
	}
	t, err := textsOf(v, args, 1)
	if err != nil {
		return nil, err
	}
	if t[1] == "" {
		return nil, errors.New("an empty separator")
	}
	count := -1
	if most >= 0 {
		count = int(most) + 1
	}
	var parts []any
	for _, s := range strings.SplitN(t[0], t[1], count) {
		parts = append(parts, s)
	}
	return parts, nil
}

// index is list.index and, in characters, str.index.
func index(v any, args []any) (any, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("%d arguments where it takes 1", len(args))
	}
	switch v := v.(type) {
	case []any:
		if i := slices.IndexFunc(v, func(e any) bool { return equal(e, args[0]) }); i >= 0 {
			return int64(i), nil
		}
		return nil, fmt.Errorf("%s is not among %s", describe(args[0]), py.Str(v))
	case string:
		sub, ok := args[0].(string)
		if !ok {
			return nil, fmt.Errorf("%s is no text", describe(args[0]))
		}
		if i := strings.Index(v, sub); i >= 0 {
			return int64(len([]rune(v[:i]))), nil
		}
		return nil, fmt.Errorf("%q is not in %s", sub, describe(v))
	}
	return nil, fmt.Errorf("%s is neither list nor text", describe(v))
}

// get is dict.get(key[, default]).
func get(v any, args []any) (any, error) {
	o, ok := v.(py.Object)
	if !ok || len(args) < 1 || len(args) > 2 {
		return nil, fmt.Errorf("it takes a dict, a key and at most a default")
	}
	if e, ok := o.Get(py.Str(args[0])); ok {
		return e, nil
	}
	if len(args) == 2 {
		return args[1], nil
	}
	return nil, nil
}

func keys(v any, _ []any) (any, error) {
	return members(v, func(m py.Member) any { return m.Key })
}

func values(v any, _ []any) (any, error) {
	return members(v, func(m py.Member) any { return m.Value })
}

func members(v any, of func(py.Member) any) (any, error) {
	o, ok := v.(py.Object)
	if !ok {
		return nil, fmt.Errorf("%s is no dict", describe(v))
	}
	list := make([]any, len(o))
	for i, m := range o {
		list[i] = of(m)
	}
	return list, nil
}

func toInt(v any, _ []any) (any, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case string:
		if n, err := strconv.ParseInt(py.Strip(v), 10, 64); err == nil {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%s is no integer", describe(v))
}

func length(v any, _ []any) (any, error) {
	switch v := v.(type) {
	case []any:
		return int64(len(v)), nil
	case string:
		return int64(len([]rune(v))), nil
	case py.Object:
		return int64(len(v)), nil
	}
	return nil, fmt.Errorf("%s has no length", describe(v))
}

// join is Jinja's join(separator).
func join(v any, args []any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is no list", describe(v))
	}
	separator := ""
	if len(args) > 0 {
		t, err := textsOf("", args, 1)
		if err != nil {
			return nil, err
		}
		separator = t[1]
	}
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = py.Str(e)
	}
	return strings.Join(texts, separator), nil
}
