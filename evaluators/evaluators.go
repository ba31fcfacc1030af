// Package evaluators lists the evaluators that are built in.
package evaluators

import (
	"fmt"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice"
)

// Factory makes an evaluator from its options.
type Factory func(core.Options) (core.Evaluator, error)

// BuiltIn returns the evaluators by the name a configuration uses.
func BuiltIn() map[string]Factory {
	all := map[string]Factory{}
	add := func(name string, f Factory) {
		if _, taken := all[name]; taken {
			panic(fmt.Sprintf("evaluators: two are named %q", name))
		}
		all[name] = f
	}
	add("multiple-choice", multiplechoice.New)
	return all
}
