//go:build unix

package record_test

import (
	"strings"
	"testing"
)

// TestLock: a folder that is being run is refused by name until the run ends. The
// lock is no file of the run's, and is not swept away.
func TestLock(t *testing.T) {
	f := create(t)
	unlock, err := f.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Lock(); err == nil || !strings.Contains(err.Error(), f.Path()) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second Lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = f.Lock(); err != nil {
		t.Fatal(err)
	}
	unlock()
}
