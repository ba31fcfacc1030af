// Package chat renders dialogues by a model's own chat template, byte for byte as transformers does. A wrong template
// is what users of preference tuning suffer from most and notice last, so what cannot be rendered exactly is refused.
//
// Messages, tools and documents reach a template with the order of their keys kept: a template may print a message as
// JSON. Build them by ParseJSON, or, for plain messages, by Dialogue.
package chat

import (
	"fmt"
	"time"

	"github.com/stepwise-dpo/stepwise/core/jinja"
)

type (
	// Value is a value as templates see it; ValueOf says what can become one.
	Value = jinja.Value
	// Object is a dict with its keys in order.
	Object = jinja.Object
	// List is a list of values.
	List = jinja.List
	// Error is what a template raised, or why it could not be parsed: Python's name of the exception, the message
	// and the template's line. A template refuses a dialogue by an Error of kind TemplateError.
	Error = jinja.Error
	// Limits bound what rendering a template may cost, so that a hostile one can neither hang nor fill memory.
	Limits = jinja.Limits
)

// DefaultLimits are far above what real templates need.
var DefaultLimits = jinja.DefaultLimits

// NewObject makes an empty object.
func NewObject() *Object { return jinja.NewObject() }

// ParseJSON reads one JSON value, the order of keys kept: nil, bool, int64 or *big.Int, float64, string, *List or
// *Object.
func ParseJSON(data []byte) (Value, error) { return jinja.ParseJSON(data) }

// ValueOf turns nil, booleans, numbers, strings, slices, maps with string keys (sorted) and Values into a Value.
func ValueOf(v any) (Value, error) { return jinja.ValueOf(v) }

// Message is a plain message of a dialogue.
type Message struct{ Role, Content string }

// Object is the message as templates see it: {"role": ..., "content": ...}.
func (m Message) Object() *Object {
	o := NewObject()
	o.Set("role", m.Role)
	o.Set("content", m.Content)
	return o
}

// Dialogue makes the messages of a Context from plain ones.
func Dialogue(messages ...Message) []*Object {
	objects := make([]*Object, len(messages))
	for i, m := range messages {
		objects[i] = m.Object()
	}
	return objects
}

// Context is what a template is rendered with.
type Context struct {
	Messages            []*Object
	AddGenerationPrompt bool           // end with what makes the model answer
	BOS, EOS, PAD, UNK  string         // the tokenizer's special tokens; "" leaves the variable undefined
	Tools, Documents    any            // lists of objects; nil is None, as in transformers
	Extra               map[string]any // further variables, which win over those above
	Now                 time.Time      // for templates that print the date; the zero time means Template.At's, else now
	Limits              Limits         // zero fields mean DefaultLimits'
}

// Template is a parsed chat template, safe for concurrent use.
type Template struct {
	source string
	parsed *jinja.Template
	tools  func() (*jinja.Template, error) // the model's own template for dialogues with tools; nil where it has none
	now    time.Time                       // see At
}

// Parse reads a template's source. The error is an *Error with the line.
func Parse(source string) (*Template, error) {
	parsed, err := jinja.Transformers.Parse(source)
	if err != nil {
		return nil, err
	}
	return &Template{source: source, parsed: parsed}, nil
}

// Source is the text the template was parsed from.
func (t *Template) Source() string { return t.source }

// At returns the template as it renders at that time: what it prints as the date no longer depends on when it is used.
func (t *Template) At(now time.Time) *Template {
	at := *t
	at.now = now
	return &at
}

// Render is the text of a dialogue. The error of the template itself is an *Error.
func (t *Template) Render(c Context) (string, error) {
	text, _, err := t.RenderSpans(c)
	return text, err
}

// RenderSpans is the text of a dialogue and the byte offsets [start, end) in it of what the template marks, by its
// generation blocks, as written by the assistant; none where it marks nothing.
func (t *Template) RenderSpans(c Context) (text string, spans [][2]int, err error) {
	vars, err := c.variables()
	if err != nil {
		return "", nil, err
	}
	o := jinja.Options{Limits: c.Limits}
	if c.Now.IsZero() {
		c.Now = t.now
	}
	if !c.Now.IsZero() {
		o.Now = func() time.Time { return c.Now }
	}
	parsed := t.parsed
	if c.Tools != nil && t.tools != nil {
		if parsed, err = t.tools(); err != nil {
			return "", nil, err
		}
	}
	result, err := parsed.Render(vars, o)
	return result.Text, result.Generations, err
}

// variables are the template's variables by the names that transformers gives them.
func (c Context) variables() (*Object, error) {
	vars := NewObject()
	messages := &List{Items: make([]Value, len(c.Messages))}
	for i, m := range c.Messages {
		if m == nil {
			return nil, fmt.Errorf("message %d of the dialogue is nil", i)
		}
		messages.Items[i] = m
	}
	vars.Set("messages", messages)
	vars.Set("add_generation_prompt", c.AddGenerationPrompt)
	for _, token := range []struct{ name, text string }{
		{"bos_token", c.BOS}, {"eos_token", c.EOS}, {"pad_token", c.PAD}, {"unk_token", c.UNK},
	} {
		if token.text != "" {
			vars.Set(token.name, token.text)
		}
	}
	for _, given := range []struct {
		name  string
		value any
	}{{"tools", c.Tools}, {"documents", c.Documents}} {
		if err := setVariable(vars, given.name, given.value); err != nil {
			return nil, err
		}
	}
	for name, value := range c.Extra {
		if err := setVariable(vars, name, value); err != nil {
			return nil, err
		}
	}
	return vars, nil
}

func setVariable(vars *Object, name string, value any) error {
	v, err := ValueOf(value)
	if err != nil {
		return fmt.Errorf("the variable %q of a chat template: %w", name, err)
	}
	vars.Set(name, v)
	return nil
}
