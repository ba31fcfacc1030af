package jinja

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/dlclark/regexp2"
)

// regexTime ends an expression that would backtrack for ever.
const regexTime = 10 * time.Second

// regexReplaceFilter is lm-eval's: re.sub of every match by a text. What .NET's expressions do not understand, or
// understand otherwise, and references to groups, are refused.
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
	pattern, err := regexp2.Compile(texts[1], regexp2.None)
	if err == nil {
		err = unlikePython(texts[1], texts[0])
	}
	if err != nil {
		return nil, unsupported("the expression %q: %v", texts[1], err)
	}
	if strings.Contains(texts[2], `\`) {
		return nil, unsupported("a backslash in what regex_replace puts in, %q", texts[2])
	}
	pattern.MatchTimeout = regexTime
	replaced, err := pattern.ReplaceFunc(texts[0], func(regexp2.Match) string { return texts[2] }, -1, -1)
	if err != nil {
		return nil, unsupported("the expression %q: %v", texts[1], err)
	}
	return replaced, rt.alloc(len(texts[0]) + len(replaced))
}

// unlikePython says where .NET's expressions would match otherwise: \Z is another
// place, and word and space characters differ by a few.
func unlikePython(pattern, text string) error {
	if strings.Contains(pattern, `\Z`) {
		return errors.New(`\Z is another place in Python`)
	}
	if !classes.MatchString(pattern) {
		return nil
	}
	for _, r := range text {
		if '\x1c' <= r && r <= '\x1f' || r != '_' && unicode.In(r, unicode.M, unicode.Pc, unicode.Nl, unicode.No, unicode.Cf) {
			return fmt.Errorf("%q is in other classes in Python", r)
		}
	}
	return nil
}

var classes = regexp.MustCompile(`\\[wWbBsS]`)
