package gorgonia

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// The backend keeps the contracts of core.Backend and core.Model.
func TestConformance(t *testing.T) {
	for name, options := range map[string]core.Options{
		"plain":     {"threads": 2},
		"recompute": {"threads": 1, "recompute": true},
	} {
		t.Run(name, func(t *testing.T) {
			coretest.TestBackend(t, New(), tiny, coretest.BackendOptions{Options: options})
		})
	}
}
