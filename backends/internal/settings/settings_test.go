package settings

import (
	"runtime"
	"testing"
)

func TestCheckDType(t *testing.T) {
	for name, known := range map[string]bool{Float32: true, BF16: true, "": false, "float16": false, "bfloat16": false} {
		if err := CheckDType(name); (err == nil) != known {
			t.Errorf("dtype %q: error %v", name, err)
		}
	}
}

func TestThreads(t *testing.T) {
	for option, want := range map[int]int{0: runtime.GOMAXPROCS(0), 1: 1, 64: 64} {
		if n, err := Threads(option); n != want || err != nil {
			t.Errorf("option %d: %d threads, error %v", option, n, err)
		}
	}
	if _, err := Threads(-1); err == nil || err.Error() != `option "threads": -1 is less than 0` {
		t.Errorf("error %v", err)
	}
}
