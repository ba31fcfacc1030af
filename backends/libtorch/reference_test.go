//go:build libtorch

package libtorch

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/core"
)

func TestSmolLM2Scores(t *testing.T) { backendtest.CheckSmolLM2(t, New(), on(core.OpenOptions{})) }

func TestTRLTrace(t *testing.T) { backendtest.CheckTRL(t, New(), on(core.OpenOptions{})) }
