// Package py holds what evaluation needs of Python to the last bit: its random
// numbers, the text of its floats and JSON, its notion of white space, and the
// order in which it and NumPy add numbers.
package py

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Object is a JSON object that keeps the order of its members, as Python's dict
// does. Values are nil, bool, int64, float64, string, []any, Object or, for
// integers beyond int64, json.Number.
type Object []Member

// Member is a key and its value.
type Member struct {
	Key   string
	Value any
}

// Get returns the value of key.
func (o Object) Get(key string) (any, bool) {
	for _, m := range o {
		if m.Key == key {
			return m.Value, true
		}
	}
	return nil, false
}

// Set replaces the value of key in its place, or appends it.
func (o *Object) Set(key string, value any) {
	for i, m := range *o {
		if m.Key == key {
			(*o)[i].Value = value
			return
		}
	}
	*o = append(*o, Member{key, value})
}

// Keys returns the keys in order.
func (o Object) Keys() []string {
	keys := make([]string, len(o))
	for i, m := range o {
		keys[i] = m.Key
	}
	return keys
}

// Object returns the object under key, or an empty one.
func (o Object) Object(key string) Object {
	v, _ := o.Get(key)
	inner, _ := v.(Object)
	return inner
}

// Texts returns the list under key as texts, or none.
func (o Object) Texts(key string) []string {
	v, _ := o.Get(key)
	list, _ := v.([]any)
	var texts []string
	for _, e := range list {
		texts = append(texts, Str(e))
	}
	return texts
}

// TextOrNone is a text, or None in the place of an empty one.
func TextOrNone(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ParseLines reads an object a line; empty lines are skipped.
func ParseLines(data []byte) ([]Object, error) {
	var all []Object
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		v, err := ParseJSON(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		o, ok := v.(Object)
		if !ok {
			return nil, fmt.Errorf("line %d is no object", i+1)
		}
		all = append(all, o)
	}
	return all, nil
}

// ParseJSON reads the one JSON value that data holds; like Python's json it also
// takes NaN, Infinity and -Infinity.
func ParseJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(finite(data)))
	d.UseNumber()
	r := reader{decoder: d}
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the JSON value at byte %d", d.InputOffset())
	}
	return v, nil
}

// stringOrWord matches a string, or a number that JSON has no word for.
var stringOrWord = regexp.MustCompile(`(?s)"(?:[^"\\]|\\.)*"|NaN|-?Infinity`)

// nan stands for NaN while encoding/json reads; no writer of numbers makes it.
const nan = "-0e-0990099"

// finite puts numbers that encoding/json reads for those that it does not; [number]
// makes of them what they were. The spaces keep them apart from what stands beside.
func finite(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	return stringOrWord.ReplaceAllFunc(data, func(found []byte) []byte {
		switch string(found) {
		case "NaN":
			return []byte(" " + nan + " ")
		case "Infinity":
			return []byte(" 1e999 ")
		case "-Infinity":
			return []byte(" -1e999 ")
		}
		return found
	})
}

// maxDepth bounds nesting, as encoding/json does for whole values.
const maxDepth = 10000

type reader struct {
	decoder *json.Decoder
	depth   int
}

func (r *reader) token() (json.Token, error) {
	t, err := r.decoder.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return t, err
}

func (r *reader) value() (any, error) {
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if r.depth++; r.depth > maxDepth {
			return nil, fmt.Errorf("JSON nested more than %d deep", maxDepth)
		}
		defer func() { r.depth-- }()
		if t == '{' {
			return r.object()
		}
		return r.list()
	case json.Number:
		return number(t), nil
	}
	return t, nil
}

func (r *reader) object() (any, error) {
	o := Object{}
	for r.decoder.More() {
		key, err := r.token()
		if err != nil {
			return nil, err
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		o.Set(key.(string), v)
	}
	_, err := r.token()
	return o, err
}

func (r *reader) list() (any, error) {
	list := []any{}
	for r.decoder.More() {
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.token()
	return list, err
}

// number returns n as Python's json would: an int, or a float where it has a
// point or an exponent.
func number(n json.Number) any {
	if n == nan {
		return math.NaN()
	}
	if strings.ContainsAny(string(n), ".eE") {
		f, _ := n.Float64() // out of range is ±Inf, as in Python
		return f
	}
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i
	}
	return n
}
