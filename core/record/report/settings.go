package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// settings are config.toml's leaves under dotted names. A table of an array
// that has a name is called by it: "source.orca.limit".
type settings map[string]string

func readSettings(text string) (settings, error) {
	tree := map[string]any{}
	if _, err := toml.Decode(text, &tree); err != nil {
		return nil, err
	}
	s := settings{}
	s.add("", tree)
	return s, nil
}

func (s settings) add(key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for k, inner := range v {
			s.add(strings.TrimPrefix(key+"."+k, "."), inner)
		}
	case []map[string]any:
		for i, inner := range v {
			name, ok := inner["name"].(string)
			if !ok {
				name = fmt.Sprint(i + 1)
			}
			s.add(key+"."+name, inner)
		}
	default:
		s[key] = fmt.Sprint(v)
	}
}

// is says whether the setting has the value.
func (s settings) is(key, value string) bool { return s[key] == value }

// identity is what a run is made from, but for its name, its seeds and where
// its files lie: two runs of the same identity differ by chance alone.
func (r *run) identity() settings {
	out := settings{}
	for key, value := range r.settings {
		last := key[strings.LastIndex(key, ".")+1:]
		if key != "run.name" && last != "seed" && last != "path" {
			out[key] = value
		}
	}
	out["version"] = r.manifest.Version
	out[modelHash] = r.manifest.Model.SHA256
	for name, source := range r.manifest.Sources {
		out[dataHash+name] = source.SHA256
	}
	return out
}

// Keys of an identity beside those of the configuration.
const modelHash, dataHash = "the model's hash", "the data of "

// isHash says whether the key's value tells a reader nothing.
func isHash(key string) bool { return key == modelHash || strings.HasPrefix(key, dataHash) }

// differing lists the keys in which any two of the settings differ, sorted.
func differing(all []settings) []string {
	keys := map[string]bool{}
	for _, s := range all[1:] {
		for key, value := range s {
			if v, ok := all[0][key]; !ok || v != value {
				keys[key] = true
			}
		}
		for key := range all[0] {
			if _, ok := s[key]; !ok {
				keys[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
