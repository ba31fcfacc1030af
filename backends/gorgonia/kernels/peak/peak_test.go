package peak

import (
	"runtime"
	"testing"
	"time"
)

// Two measurements in a row agree to a factor, and the number is one of this
// century's processors.
func TestPeakIsPlausible(t *testing.T) {
	a, b := FMA(1, 20*time.Millisecond), FMA(1, 20*time.Millisecond)
	if runtime.GOARCH != "amd64" || a == 0 {
		t.Skip("no FMA vectors here")
	}
	if a < 1 || a > 2000 || a > 20*b || b > 20*a {
		t.Errorf("measured %.1f and %.1f GFLOP/s", a, b)
	}
	if h := BF16(1, 20*time.Millisecond); h != 0 && (h < a/20 || h > 20*a) {
		t.Errorf("measured %.1f GFLOP/s of bfloat16 beside %.1f", h, a)
	}
}
