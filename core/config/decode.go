package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
)

// decodeTable stores the table into the struct that v points to, by its toml
// tags, and reports every key that the struct lacks and every value of another
// type, which the toml package's own decoding does without saying where.
// prefix is the table's place in the file.
func decodeTable(table map[string]any, v any, prefix string, f *faults) {
	fields := map[string]reflect.Value{}
	s := reflect.ValueOf(v).Elem()
	for i := range s.NumField() {
		if name := tagName(s.Type().Field(i)); name != "-" {
			fields[name] = s.Field(i)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		place := join(prefix, key)
		field, ok := fields[key]
		if !ok {
			f.unknown(place)
			continue
		}
		if err := store(table[key], field, place, f); err != nil {
			f.add(place, "%v", err)
		}
	}
}

// store puts a TOML value into a field. Faults within a table are reported by
// the table.
func store(value any, field reflect.Value, place string, f *faults) error {
	switch into := field.Addr().Interface().(type) {
	case *core.Options:
		table, ok := value.(map[string]any)
		if !ok {
			return mismatch(value, "a table")
		}
		*into = table
		return nil
	case *map[string]string:
		table, ok := value.(map[string]any)
		if !ok {
			return mismatch(value, "a table of strings")
		}
		*into = map[string]string{}
		for k, v := range table {
			text, ok := v.(string)
			if !ok {
				return fmt.Errorf("%q: %w", k, mismatch(v, "a string"))
			}
			(*into)[k] = text
		}
		return nil
	}
	switch field.Kind() {
	case reflect.Struct:
		table, ok := value.(map[string]any)
		if !ok {
			return mismatch(value, "a table")
		}
		decodeTable(table, field.Addr().Interface(), place, f)
		return nil
	case reflect.Slice:
		return storeTables(value, field, place, f)
	case reflect.Float64:
		switch n := value.(type) {
		case int64:
			field.SetFloat(float64(n))
		case float64:
			field.SetFloat(n)
		default:
			return mismatch(value, "a number")
		}
		return nil
	}
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Int64 && field.CanInt() {
		field.SetInt(v.Int())
		return nil
	}
	if v.Type() != field.Type() {
		return mismatch(value, "a "+kindName(field.Interface()))
	}
	field.Set(v)
	return nil
}

// storeTables fills a slice of structs from an array of tables.
func storeTables(value any, field reflect.Value, place string, f *faults) error {
	tables, ok := value.([]map[string]any)
	if !ok {
		return fmt.Errorf("must be written as [[%s]]", place)
	}
	field.Set(reflect.MakeSlice(field.Type(), len(tables), len(tables)))
	for i, t := range tables {
		decodeTable(t, field.Index(i).Addr().Interface(), fmt.Sprintf("%s[%d]", place, i), f)
	}
	return nil
}

func mismatch(value any, want string) error {
	return fmt.Errorf("is a %s, must be %s", kindName(value), want)
}

func kindName(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case int64, int:
		return "whole number"
	case float64:
		return "number"
	case bool:
		return "boolean"
	case map[string]any:
		return "table"
	}
	return "list"
}
