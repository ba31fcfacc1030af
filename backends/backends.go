// Package backends lists the backends that are built in.
package backends

import (
	"fmt"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia"
	"github.com/stepwise-dpo/stepwise/core"
)

// Builtin are the constructors of the built-in backends, by the name that
// configurations use.
var Builtin = registry{}

func init() {
	Builtin.add("gorgonia", gorgonia.New)
}

// A registry maps names to constructors.
type registry map[string]func() core.Backend

// add panics on a name that is taken: two backends of one name are a mistake in
// this file.
func (r registry) add(name string, f func() core.Backend) {
	if _, ok := r[name]; ok {
		panic(fmt.Sprintf("backends: %q is listed twice", name))
	}
	r[name] = f
}
