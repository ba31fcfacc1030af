// Package evaluators lists the evaluators that are built in.
package evaluators

import (
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice"
)

// BuiltIn maps each evaluator's name to what makes it from its options.
var BuiltIn = map[string]func(core.Options) (core.Evaluator, error){
	"multiple-choice": multiplechoice.New,
}
