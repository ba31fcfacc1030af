// Package backends lists the backends that are built in.
package backends

import (
	"github.com/stepwise-dpo/stepwise/backends/gorgonia"
	"github.com/stepwise-dpo/stepwise/core"
)

// BuiltIn holds the built-in backends by the name that configurations use.
var BuiltIn = map[string]core.Backend{
	"gorgonia": gorgonia.New(),
}
