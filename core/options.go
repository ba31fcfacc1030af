package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Options are a plugin's own settings, as TOML or JSON gave them.
type Options map[string]any

// OptionError is a fault of one option.
type OptionError struct {
	Option  string
	Err     error // names the option
	Unknown bool  // there is no such option
}

func (e *OptionError) Error() string { return e.Err.Error() }
func (e *OptionError) Unwrap() error { return e.Err }

// Decode stores the options into the struct that into points to, by its json
// tags; what is not among the options keeps its value, which is thus the
// default. An option that the struct lacks is an
// OptionError that lists those it has.
func (o Options) Decode(into any) error {
	raw, err := json.Marshal(map[string]any(o))
	if err != nil {
		return fmt.Errorf("options: %w", err)
	}
	known := optionNames(reflect.TypeOf(into).Elem())
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(known, name) {
			return &OptionError{Option: name, Err: fmt.Errorf("unknown option %q; options are: %s", name, listOrNone(known)), Unknown: true}
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if t, ok := err.(*json.UnmarshalTypeError); ok {
			return &OptionError{Option: t.Field, Err: fmt.Errorf("option %q: a %s is not a %s", t.Field, t.Value, t.Type)}
		}
		return fmt.Errorf("options: %w", err)
	}
	return nil
}

// optionNames returns the json names of the struct's fields.
func optionNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" {
			name = t.Field(i).Name
		}
		if name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func listOrNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
