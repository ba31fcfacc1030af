package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// faults collects what is wrong with a file.
type faults struct {
	path     string
	lines    map[string]int    // where each key was first set
	settings map[string]string // those of the command line, by the key that they set
	found    []string
}

// add records a fault of the key, with the setting that it came from or its line
// where the file has it.
func (f *faults) add(key, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if key != "" {
		text = key + ": " + text
	}
	f.found = append(f.found, f.origin(key)+text)
}

func (f *faults) unknown(key string) {
	f.add(key, "unknown key; examples/reference.toml has them all")
}

// origin says where the key was set, or the table that it would stand in: by a
// setting of the command line, which wins over the file, or in the file.
func (f *faults) origin(key string) string {
	for key != "" {
		if setting, ok := f.settings[key]; ok {
			return fmt.Sprintf("--set %q: ", setting)
		}
		if line, ok := f.lines[key]; ok {
			return fmt.Sprintf("line %d: ", line)
		}
		i := strings.LastIndexByte(key, '.')
		if i < 0 {
			break
		}
		key = key[:i]
	}
	return ""
}

func (f *faults) err() error {
	switch len(f.found) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("configuration %q: %s", f.path, f.found[0])
	}
	return fmt.Errorf("configuration %q has %d faults:\n  %s", f.path, len(f.found), strings.Join(f.found, "\n  "))
}

func syntaxError(path string, err error) error {
	var p toml.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("configuration %q: line %d: %s", path, p.Position.Line, p.Message)
	}
	return fmt.Errorf("configuration %q: %w", path, err)
}

var (
	tableHeader = regexp.MustCompile(`^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$`)
	assignment  = regexp.MustCompile(`^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_.-]+)\s*=`)
)

// findKeys returns the line of every key and table of the text. An element of
// an array of tables is found as "source[1].path" and, for the first that has
// the key, as "source.path".
func findKeys(text string) map[string]int {
	lines := map[string]int{}
	count := map[string]int{}
	table, indexed := "", ""
	note := func(key string, line int) {
		if _, ok := lines[key]; !ok {
			lines[key] = line
		}
	}
	for i, line := range strings.Split(text, "\n") {
		if m := tableHeader.FindStringSubmatch(line); m != nil {
			table, indexed = m[2], m[2]
			if m[1] == "[[" {
				indexed = fmt.Sprintf("%s[%d]", table, count[table])
				count[table]++
			}
			note(table, i+1)
			note(indexed, i+1)
		} else if m := assignment.FindStringSubmatch(line); m != nil {
			key := strings.Trim(m[1], `"'`)
			note(join(table, key), i+1)
			note(join(indexed, key), i+1)
		}
	}
	return lines
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	if key == "" {
		return prefix
	}
	return prefix + "." + key
}
