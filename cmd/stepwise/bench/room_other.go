//go:build !linux && !darwin

package bench

import "math"

// diskRoom lets the write itself find out where the system is not asked.
func diskRoom(string) (bytes uint64, err error) { return math.MaxUint64, nil }
