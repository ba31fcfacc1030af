// Package settings is what the backends' options have in common.
package settings

import (
	"fmt"
	"runtime"
)

// The dtypes of core.OpenOptions.
const (
	Float32 = "float32"
	BF16    = "bf16"
)

// CheckDType refuses other dtypes.
func CheckDType(name string) error {
	if name != Float32 && name != BF16 {
		return fmt.Errorf("dtype %q is not known (known: %s, %s)", name, Float32, BF16)
	}
	return nil
}

// Threads returns the number of threads that the option "threads" asks for: 0 is one
// a core.
func Threads(option int) (int, error) {
	switch {
	case option < 0:
		return 0, fmt.Errorf("option %q: %d is less than 0", "threads", option)
	case option == 0:
		return runtime.GOMAXPROCS(0), nil
	}
	return option, nil
}
