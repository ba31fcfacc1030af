package jinja

import (
	"regexp"
	"strings"
)

// regexReplaceFilter is lm-eval's: re.sub of every match by a text. What Go's expressions do not understand, and
// references to groups, are refused.
func regexReplaceFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("regex_replace", 0, "string", "pattern", "repl", "count=")
	if err != nil {
		return nil, err
	}
	var texts [3]string
	for i := range texts {
		var ok bool
		if texts[i], ok = text(b[i]); !ok {
			return nil, typeError("expected string or bytes-like object, got '%s'", typeName(b[i]))
		}
	}
	if n, err := b.int(3, 0); err != nil || n != 0 {
		return nil, unsupported("the argument count of the filter \"regex_replace\"")
	}
	pattern, err := regexp.Compile(texts[1])
	if err != nil {
		return nil, unsupported("the expression %q: %v", texts[1], err)
	}
	if strings.Contains(texts[2], `\`) {
		return nil, unsupported("a backslash in what regex_replace puts in, %q", texts[2])
	}
	replaced := pattern.ReplaceAllLiteralString(texts[0], texts[2])
	return replaced, rt.alloc(len(texts[0]) + len(replaced))
}
