//go:build libtorch

package libtorch_test

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/libtorch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

func TestConformance(t *testing.T) {
	for name, options := range map[string]core.Options{
		"plain":         {"device": "cpu"},
		"checkpointing": {"device": "cpu", "checkpointing": true, "deterministic": true, "threads": 1},
	} {
		t.Run(name, func(t *testing.T) {
			coretest.TestBackend(t, libtorch.New(), "../gorgonia/testdata/tiny", coretest.BackendOptions{Options: options})
		})
	}
}
