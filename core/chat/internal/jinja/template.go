// Package jinja is the part of Jinja2 that chat templates use, with the environment that transformers gives them:
// an ImmutableSandboxedEnvironment with trim_blocks, lstrip_blocks, loop controls and the generation tag, and with
// transformers' tojson, raise_exception, strftime_now, dict and namespace. Values behave as Python's do, down to
// their repr and the messages of their errors. What is left out (template inheritance, a few filters) is refused by
// name. Reference: jinja2 3.1.6, transformers/utils/chat_template_utils.py, CPython 3.11.
package jinja

import (
	"strings"
	"time"
)

// Template is a parsed template, safe for concurrent use.
type Template struct {
	body []stmt
	root *frame
}

// Parse reads a template. The error is an *Error.
func Parse(source string) (*Template, error) {
	if err := validText(source); err != nil {
		return nil, err
	}
	body, err := parse(source)
	if err != nil {
		return nil, err
	}
	root, err := analyze(body)
	if err != nil {
		return nil, err
	}
	return &Template{body, root}, nil
}

// Options are what a rendering needs besides its variables.
type Options struct {
	Limits Limits           // zero fields mean DefaultLimits'
	Now    func() time.Time // for strftime_now; time.Now where nil
}

// Result is a rendered text and the byte offsets in it of what the generation blocks wrote.
type Result struct {
	Text        string
	Generations [][2]int
}

// Render renders the template with the variables. The error is an *Error.
func (t *Template) Render(vars *Object, o Options) (Result, error) {
	rt := newRuntime(o.Limits.orDefault())
	if _, err := ValueOf(vars); err != nil {
		return Result{}, err
	}
	rt.vars = vars
	if o.Now != nil {
		rt.now = o.Now
	}
	s := rt.newScope(t.root, nil)
	rt.enterScope(t.root, s)
	if _, err := rt.statements(t.body, s); err != nil {
		return Result{}, err
	}
	text := rt.root.String()
	return Result{text, byteSpans(text, rt.spans)}, nil
}

func (l Limits) orDefault() Limits {
	for _, field := range []struct{ set, otherwise *int }{
		{&l.Steps, &DefaultLimits.Steps}, {&l.Bytes, &DefaultLimits.Bytes}, {&l.Depth, &DefaultLimits.Depth},
	} {
		if *field.set == 0 {
			*field.set = *field.otherwise
		}
	}
	return l
}

// byteSpans turns offsets in characters into offsets in bytes, none beyond the text's end.
func byteSpans(text string, spans [][2]int) [][2]int {
	if len(spans) == 0 {
		return nil
	}
	offsets := make([]int, 0, len(text)+1)
	for i := range text {
		offsets = append(offsets, i)
	}
	offsets = append(offsets, len(text))
	at := func(n int) int { return offsets[min(n, len(offsets)-1)] }
	out := make([][2]int, len(spans))
	for i, span := range spans {
		out[i] = [2]int{at(span[0]), at(span[1])}
	}
	return out
}

// String is the object as Python prints a dict.
func (o *Object) String() string {
	var b strings.Builder
	if err := newRuntime(DefaultLimits).writeRepr(&b, o, 0); err != nil {
		return err.Error()
	}
	return b.String()
}
