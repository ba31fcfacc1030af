package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// set applies a setting "train.beta=0.2" to the tree. An element of an array of
// tables is named by its name or index: "source.orca.limit=10". The value is
// TOML, or a bare string.
func set(tree map[string]any, setting string) error {
	name, value, err := ParseSetting(setting)
	if err == nil {
		err = assign(tree, strings.Split(name, "."), value)
	}
	if err != nil {
		return fmt.Errorf("--set %q: %w", setting, err)
	}
	return nil
}

// ParseSetting takes KEY=VALUE apart. The value is TOML, or a bare string.
func ParseSetting(setting string) (key string, value any, err error) {
	key, text, ok := strings.Cut(setting, "=")
	if !ok || key == "" {
		return "", nil, fmt.Errorf("%q: want KEY=VALUE, as in train.beta=0.2", setting)
	}
	return key, parseValue(text), nil
}

// assign stores the value at the path below table, making tables on the way.
func assign(table map[string]any, path []string, value any) error {
	key := path[0]
	if len(path) == 1 {
		table[key] = value
		return nil
	}
	switch next := table[key].(type) {
	case nil:
		made := map[string]any{}
		table[key] = made
		return assign(made, path[1:], value)
	case map[string]any:
		return assign(next, path[1:], value)
	case []map[string]any:
		if len(path) < 3 {
			return fmt.Errorf("%q is a list of tables; name one of them and its key", key)
		}
		element, err := pick(next, path[1])
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return assign(element, path[2:], value)
	}
	return fmt.Errorf("%q is no table", key)
}

// pick finds an element by its name or index.
func pick(elements []map[string]any, which string) (map[string]any, error) {
	for _, e := range elements {
		if e["name"] == which {
			return e, nil
		}
	}
	if i, err := strconv.Atoi(which); err == nil && i >= 0 && i < len(elements) {
		return elements[i], nil
	}
	return nil, fmt.Errorf("none has the name or index %q", which)
}

// parseValue reads a TOML value; what is none is a string.
func parseValue(text string) any {
	var v struct{ V any }
	if _, err := toml.Decode("V = "+text, &v); err == nil {
		return v.V
	}
	return text
}
