package multiplechoice

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/jinja"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// template is a Jinja template over a document's fields, as lm-eval renders it. It
// may be used from several goroutines.
type template struct {
	source string
	parsed *jinja.Template
}

func parseTemplate(source string) (*template, error) {
	parsed, err := jinja.Harness.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", source, err)
	}
	return &template{source, parsed}, nil
}

// parseExpression reads an expression without its braces.
func parseExpression(source string) (*template, error) {
	parsed, err := jinja.Harness.Parse("{{ " + source + " }}")
	if err == nil && !parsed.IsExpression() {
		err = errors.New("it is not one expression")
	}
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", source, err)
	}
	return &template{source, parsed}, nil
}

// text renders the template for a document.
func (t *template) text(doc py.Object) (string, error) {
	result, err := t.parsed.Render(toJinja(doc).(*jinja.Object), jinja.Options{})
	return result.Text, t.explain(err, doc)
}

// value is what a single {{expression}} stands for, and the text of any other
// template. lm-eval prints the value and reads it again by literal_eval.
func (t *template) value(doc py.Object) (any, error) {
	if !t.parsed.IsExpression() {
		return t.text(doc)
	}
	v, err := t.parsed.Value(toJinja(doc).(*jinja.Object), jinja.Options{})
	if err == nil {
		var value any
		if value, err = fromJinja(v); err == nil {
			return value, nil
		}
	}
	return nil, t.explain(err, doc)
}

// explain names the template, and where something is undefined what there is.
func (t *template) explain(err error, doc py.Object) error {
	var failed *jinja.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed) && failed.Kind == "UndefinedError":
		return fmt.Errorf("template %q: %w; the document has: %s", t.source, err, strings.Join(doc.Keys(), ", "))
	}
	return fmt.Errorf("template %q: %w", t.source, err)
}

// toJinja makes a template's value of a document's.
func toJinja(v any) jinja.Value {
	switch v := v.(type) {
	case py.Object:
		o := jinja.NewObject()
		for _, m := range v {
			o.Set(m.Key, toJinja(m.Value))
		}
		return o
	case []any:
		list := &jinja.List{Items: make([]jinja.Value, len(v))}
		for i, e := range v {
			list.Items[i] = toJinja(e)
		}
		return list
	case json.Number:
		n, _ := new(big.Int).SetString(string(v), 10)
		return n
	}
	return v
}

// fromJinja is the inverse of toJinja.
func fromJinja(v jinja.Value) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case *big.Int:
		return json.Number(v.String()), nil
	case *jinja.List:
		list := make([]any, len(v.Items))
		for i, e := range v.Items {
			var err error
			if list[i], err = fromJinja(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *jinja.Object:
		return fromDict(v)
	}
	return nil, fmt.Errorf("it gives a %T, which no document can hold", v)
}

func fromDict(dict *jinja.Object) (any, error) {
	keys := dict.Keys()
	if len(keys) != dict.Len() {
		return nil, errors.New("it gives a dict with keys that are no texts")
	}
	o := make(py.Object, len(keys))
	for i, key := range keys {
		v, _ := dict.Get(key)
		value, err := fromJinja(v)
		if err != nil {
			return nil, err
		}
		o[i] = py.Member{Key: key, Value: value}
	}
	return o, nil
}
