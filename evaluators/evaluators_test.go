package evaluators

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// TestBuiltIn makes every evaluator refuse an option that it does not have.
func TestBuiltIn(t *testing.T) {
	all := BuiltIn
	if all["multiple-choice"] == nil {
		t.Error("multiple-choice is missing")
	}
	for name, open := range all {
		if _, err := open(core.Options{"no such option": 1}); err == nil {
			t.Errorf("%s accepts any option", name)
		}
	}
}
