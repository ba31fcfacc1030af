// Package jinja is the part of Jinja2 that chat templates and the prompts of benchmarks use, in the environments that
// transformers and lm-evaluation-harness give them. Values behave as Python's do, down to their repr and the messages
// of their errors. What is left out (template inheritance, a few filters) is refused by name. Reference: jinja2 3.1.6,
// CPython 3.11.
package jinja

import (
	"strings"
	"time"
)

// Template is a parsed template, safe for concurrent use.
type Template struct {
	env  *Environment
	body []stmt
	root *frame
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
	rt, s, err := t.begin(vars, o)
	if err != nil {
		return Result{}, err
	}
	if _, err := rt.statements(t.body, s); err != nil {
		return Result{}, err
	}
	text := rt.root.String()
	return Result{text, byteSpans(text, rt.spans)}, nil
}

// begin makes the runtime of one rendering and its outermost scope.
func (t *Template) begin(vars *Object, o Options) (*runtime, *scope, error) {
	if _, err := ValueOf(vars); err != nil {
		return nil, nil, err
	}
	rt := newRuntime(o.Limits.orDefault())
	rt.env, rt.vars = t.env, vars
	if o.Now != nil {
		rt.now = o.Now
	}
	s := rt.newScope(t.root, nil)
	rt.enterScope(t.root, s)
	return rt, s, nil
}

// IsExpression says whether the template is one {{ expression }} and no more.
func (t *Template) IsExpression() bool { return t.expression() != nil }

func (t *Template) expression() expr {
	if len(t.body) != 1 {
		return nil
	}
	output, ok := t.body[0].(*outputStmt)
	if !ok || len(output.items) != 1 {
		return nil
	}
	if _, isText := output.items[0].(*textExpr); isText {
		return nil
	}
	return output.items[0]
}

// Value is what a template that [Template.IsExpression] stands for, before it becomes text. It is a *List instead of
// a tuple, and of what Python computes lazily. The error is an *Error.
func (t *Template) Value(vars *Object, o Options) (Value, error) {
	rt, s, err := t.begin(vars, o)
	if err != nil {
		return nil, err
	}
	v, err := rt.eval(t.expression(), s)
	if err != nil {
		return nil, err
	}
	return rt.plain(v, 0)
}

// plain puts lists in the place of other sequences, at any depth.
func (rt *runtime) plain(v Value, depth int) (Value, error) {
	if depth > maxDepth {
		return nil, errRecursion
	}
	switch v := v.(type) {
	case *List, *Tuple, *Range, *View, *Iterator:
		all, err := rt.list(v)
		for i := range all {
			if err == nil {
				all[i], err = rt.plain(all[i], depth+1)
			}
		}
		return &List{all}, err
	case *Object:
		o := v.clone()
		for i := range o.values {
			var err error
			if o.values[i], err = rt.plain(o.values[i], depth+1); err != nil {
				return nil, err
			}
		}
		return o, rt.alloc(objectSize + entrySize*o.Len())
	case Markup:
		return string(v), nil
	}
	return v, nil
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
