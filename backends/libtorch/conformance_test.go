//go:build libtorch

package libtorch_test

import (
	"cmp"
	"os"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/libtorch"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

func TestConformance(t *testing.T) {
	device := cmp.Or(os.Getenv("STEPWISE_DEVICE"), "cpu")
	for name, options := range map[string]core.Options{
		"plain":         {"device": device, "deterministic": device != "cpu"}, // else sums on a GPU depend on timing
		"checkpointing": {"device": device, "checkpointing": true, "deterministic": true, "threads": 1},
	} {
		t.Run(name, func(t *testing.T) {
			coretest.TestBackend(t, libtorch.New(), "../gorgonia/testdata/tiny", coretest.BackendOptions{Options: options})
		})
	}
}
