package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// set applies a setting "train.beta=0.2" to the tree and returns the place that it
// is at. An element of an array of tables is named by its name or index:
// "source.orca.limit=10" is at "source[0].limit". The value is TOML, or a bare
// string.
func set(tree map[string]any, setting string) (place string, err error) {
	name, value, err := ParseSetting(setting)
	if err == nil {
		place, err = assign(tree, strings.Split(name, "."), value)
	}
	if err != nil {
		return "", fmt.Errorf("--set %q: %w", setting, err)
	}
	return place, nil
}

// ParseSetting takes KEY=VALUE apart. The value is TOML, or a bare string.
func ParseSetting(setting string) (key string, value any, err error) {
	key, text, ok := strings.Cut(setting, "=")
	if !ok || key == "" {
		return "", nil, fmt.Errorf("%q: want KEY=VALUE, as in train.beta=0.2", setting)
	}
	return key, parseValue(text), nil
}

// assign stores the value at the path below table, making tables on the way, and
// returns the path as faults name it.
func assign(table map[string]any, path []string, value any) (place string, err error) {
	key := path[0]
	if len(path) == 1 {
		table[key] = value
		return key, nil
	}
	switch next := table[key].(type) {
	case nil:
		made := map[string]any{}
		table[key] = made
		place, err = assign(made, path[1:], value)
	case map[string]any:
		place, err = assign(next, path[1:], value)
	case []map[string]any:
		if len(path) < 3 {
			return "", fmt.Errorf("%q is a list of tables; name one of them and its key", key)
		}
		i, err := pick(next, path[1])
		if err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
		place, err = assign(next[i], path[2:], value)
		return join(fmt.Sprintf("%s[%d]", key, i), place), err
	default:
		return "", fmt.Errorf("%q is no table", key)
	}
	return join(key, place), err
}

// pick finds an element by its name or index and returns its index.
func pick(elements []map[string]any, which string) (int, error) {
	for i, e := range elements {
		if e["name"] == which {
			return i, nil
		}
	}
	if i, err := strconv.Atoi(which); err == nil && i >= 0 && i < len(elements) {
		return i, nil
	}
	return 0, fmt.Errorf("none has the name or index %q", which)
}

// parseValue reads a TOML value; what is none is a string.
func parseValue(text string) any {
	var v struct{ V any }
	if _, err := toml.Decode("V = "+text, &v); err == nil {
		return v.V
	}
	return text
}
