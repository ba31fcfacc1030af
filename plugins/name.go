package plugins

import (
	"fmt"
	"regexp"
	"strings"
)

// Kind is what a plugin is.
type Kind string

// The kinds of plugins.
const (
	KindBackend     Kind = "backend"
	KindPartitioner Kind = "partitioner"
	KindEvaluator   Kind = "evaluator"
)

// Kinds lists the kinds in the order in which they are shown.
var Kinds = []Kind{KindBackend, KindPartitioner, KindEvaluator}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// filePrefix begins the names of plugins' binaries.
const filePrefix = "stepwise-"

// CheckName refuses kinds that do not exist and names that are not lower-case
// letters, digits and hyphens, or that begin with a hyphen. Neither a path nor an
// option of a command can thus be smuggled in as a name.
func CheckName(kind Kind, name string) error {
	switch kind {
	case KindBackend, KindPartitioner, KindEvaluator:
	default:
		return fmt.Errorf("unknown kind of plugin %q; kinds are: backend, partitioner, evaluator", kind)
	}
	if !validName.MatchString(name) {
		return fmt.Errorf("%q is no name for a %s: use lower-case letters, digits and hyphens", name, kind)
	}
	return nil
}

// key names a plugin in the configuration's tables: "partitioner-mine".
func key(kind Kind, name string) string {
	return string(kind) + "-" + name
}

// parseFile returns the kind and name that a file's name says.
func parseFile(file string) (kind Kind, name string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(file, executableSuffix), filePrefix)
	if !ok {
		return "", "", false
	}
	before, name, ok := strings.Cut(rest, "-")
	kind = Kind(before)
	return kind, name, ok && CheckName(kind, name) == nil
}
