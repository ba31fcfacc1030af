//go:build libtorch

package libtorch

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/core"
)

func TestForecastMemory(t *testing.T) {
	options := func(dtype string, checkpointing bool) core.OpenOptions {
		return core.OpenOptions{DType: dtype, Options: core.Options{"checkpointing": checkpointing, "threads": 2, "device": "cpu"}}
	}
	backendtest.CheckForecast(t, New(), .2, options(settings.Float32, false), options(settings.Float32, true), options(settings.BF16, false))
}
