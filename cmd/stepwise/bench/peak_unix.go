//go:build unix

package bench

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// childrensPeak returns the most memory in bytes that any child of this process
// which has ended, as a backend, had at once.
func childrensPeak() (bytes int64, err error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &u); err != nil {
		return 0, err
	}
	unit := int64(1024)
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return u.Maxrss * unit, nil
}
