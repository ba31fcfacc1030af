package preference

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/core/chat"
)

// message is one turn of a conversation: role, content, and whatever else the
// chat template may use, in the file's order.
type message = *chat.Object

// fields is a decoded row or a part of one. Its methods return a field in the
// type that is wanted, or an error that names the field.
type fields struct{ *chat.Object }

// get returns a field, nil where it is missing or null.
func (f fields) get(name string) chat.Value {
	v, _ := f.Get(name)
	return v
}

// has reports whether all the names are there and not null.
func (f fields) has(names ...string) bool {
	for _, name := range names {
		if f.get(name) == nil {
			return false
		}
	}
	return true
}

// text returns a string field.
func (f fields) text(name string) (string, error) {
	switch v := f.get(name).(type) {
	case string:
		if !utf8.ValidString(v) {
			return "", fmt.Errorf("field %q is not valid UTF-8", name)
		}
		return v, nil
	case nil:
		return "", f.missing(name)
	default:
		return "", fmt.Errorf("field %q is %s, not a string", name, kindOf(v))
	}
}

// texts returns several string fields.
func (f fields) texts(names ...string) ([]string, error) {
	out := make([]string, len(names))
	for i, name := range names {
		var err error
		if out[i], err = f.text(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// object returns a field that holds fields.
func (f fields) object(name string) (fields, error) {
	switch v := f.get(name).(type) {
	case *chat.Object:
		return fields{v}, nil
	case nil:
		return fields{}, f.missing(name)
	default:
		return fields{}, fmt.Errorf("field %q is %s, not an object", name, kindOf(v))
	}
}

// list returns a field that is a list of what.
func (f fields) list(name, what string) ([]chat.Value, error) {
	switch v := f.get(name).(type) {
	case *chat.List:
		return v.Items, nil
	case nil:
		return nil, f.missing(name)
	default:
		return nil, fmt.Errorf("field %q is %s, not a list of %s", name, kindOf(v), what)
	}
}

// objects returns a field that is a list of objects, at least one of them.
func (f fields) objects(name string) ([]fields, error) {
	list, err := f.list(name, "messages")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("field %q is an empty list; at least one message is needed", name)
	}
	out := make([]fields, len(list))
	for i, v := range list {
		o, ok := v.(*chat.Object)
		if !ok {
			return nil, fmt.Errorf("field %q: message %d is %s, not an object", name, i+1, kindOf(v))
		}
		out[i] = fields{o}
	}
	return out, nil
}

// messages returns a field that is a list of messages, each with a role and,
// unless it calls tools, a content.
func (f fields) messages(name string) ([]message, error) {
	list, err := f.objects(name)
	if err != nil {
		return nil, err
	}
	out := make([]message, len(list))
	for i, m := range list {
		if _, err := m.text("role"); err != nil {
			return nil, fmt.Errorf("field %q: message %d: %w", name, i+1, err)
		}
		if !m.has("content") && !m.has("tool_calls") {
			return nil, fmt.Errorf("field %q: message %d: %w", name, i+1, m.missing("content"))
		}
		out[i] = m.Object
	}
	return out, nil
}

// ids returns a field that is a list of token ids, each in [0, vocabulary).
func (f fields) ids(name string, vocabulary int) ([]int32, error) {
	list, err := f.list(name, "token ids")
	if err != nil {
		return nil, err
	}
	out := make([]int32, len(list))
	for i, v := range list {
		n, ok := v.(int64)
		if !ok || n < 0 || n > math.MaxInt32 {
			return nil, fmt.Errorf("field %q: element %d is %s, not a token id", name, i+1, describe(v))
		}
		if int(n) >= vocabulary {
			return nil, fmt.Errorf("field %q: id %d is outside the model's vocabulary of %d; the ids are of another tokenizer", name, n, vocabulary)
		}
		out[i] = int32(n)
	}
	return out, nil
}

// missing is the error for an absent field.
func (f fields) missing(name string) error {
	return fmt.Errorf("field %q is missing or null; the fields are: %s", name, f.names())
}

// names lists the fields that are there.
func (f fields) names() string {
	if f.Len() == 0 {
		return "none"
	}
	return clip(strings.Join(f.Keys(), ", "), 200)
}

// kindOf names the type of a decoded value, with its article.
func kindOf(v chat.Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case *chat.List:
		return "a list"
	case *chat.Object:
		return "an object"
	default:
		return "a number"
	}
}

// describe shows a value in an error.
func describe(v chat.Value) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", clip(v, 30))
	case int64, float64:
		return fmt.Sprint(v)
	}
	return kindOf(v)
}

// sameValue reports whether two decoded values are equal, objects whatever the
// order of their keys.
func sameValue(a, b chat.Value) bool {
	switch a := a.(type) {
	case *chat.Object:
		b, ok := b.(*chat.Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for _, key := range a.Keys() {
			x, _ := a.Get(key)
			if y, ok := b.Get(key); !ok || !sameValue(x, y) {
				return false
			}
		}
		return true
	case *chat.List:
		b, ok := b.(*chat.List)
		if !ok || len(a.Items) != len(b.Items) {
			return false
		}
		for i, x := range a.Items {
			if !sameValue(x, b.Items[i]) {
				return false
			}
		}
		return true
	}
	return a == b
}
