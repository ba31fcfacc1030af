//go:build unix

package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// printPeak prints the most memory that a child of this process, the backend,
// has had at once.
func (a *app) printPeak() error {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &u); err != nil {
		return err
	}
	unit := int64(1024)
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	_, err := fmt.Fprintf(a.out, "peak memory of the backend's process: %.2f GiB\n", float64(u.Maxrss*unit)/(1<<30))
	return err
}
