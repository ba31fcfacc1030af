// Package partitioners holds the built-in partition strategies, a file each.
package partitioners

import "github.com/stepwise-dpo/stepwise/core"

// BuiltIn maps each strategy's name to what makes it from its options.
var BuiltIn = map[string]func(core.Options) (core.Partitioner, error){
	"all":          newAll,
	"easy-to-hard": newEasyToHard,
	"given":        newGiven,
	"random":       newRandom,
}
