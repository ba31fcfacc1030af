package gorgonia

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/core"
)

func TestSmolLM2Scores(t *testing.T) {
	backendtest.CheckSmolLM2(t, New(), core.OpenOptions{DType: settings.Float32})
}

func TestTRLTrace(t *testing.T) {
	backendtest.CheckTRL(t, New(), core.OpenOptions{DType: settings.Float32})
}
