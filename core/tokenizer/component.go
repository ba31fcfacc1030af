package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A component is one object of tokenizer.json that says its type.
type component struct {
	kind string
	raw  json.RawMessage
}

// parseComponent reads a component; JSON's null gives kind "".
func parseComponent(raw json.RawMessage) (component, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return component{}, nil
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return component{}, err
	}
	if head.Type == "" {
		return component{}, fmt.Errorf("an object without a type: %.80s", raw)
	}
	return component{head.Type, raw}, nil
}

// options reads the component's fields into v, a pointer to a struct. A field that
// v lacks is an error, so that nothing is accepted and ignored.
func (c component) options(v any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(c.raw, &fields); err != nil {
		return fmt.Errorf("%q: %w", c.kind, err)
	}
	delete(fields, "type")
	rest, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("%q: %w", c.kind, err)
	}
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%q: %w", c.kind, err)
	}
	return nil
}

// A pattern is what Replace and Split look for: {"String": s} or {"Regex": s}.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// finder compiles the pattern.
func (p pattern) finder() (finder, error) {
	switch {
	case p.String != nil && p.Regex == nil && *p.String != "":
		return literal(*p.String), nil
	case p.Regex != nil && p.String == nil:
		return compileRegex(*p.Regex)
	}
	return nil, fmt.Errorf("a pattern needs either a String that is not empty or a Regex")
}
