//go:build !unix

package gorgonia

// cpuSeconds returns nothing where the system has no getrusage.
func cpuSeconds() float64 { return 0 }
