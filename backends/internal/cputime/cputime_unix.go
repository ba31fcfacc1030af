//go:build unix

// Package cputime measures the processor time of benchmarks.
package cputime

import "golang.org/x/sys/unix"

// Seconds returns the processor time that the process has used; 0 where the system
// does not say.
func Seconds() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
