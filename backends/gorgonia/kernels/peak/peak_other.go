//go:build !amd64

package peak

import "time"

// FMA is not measured on this architecture.
func FMA(int, time.Duration) float64 { return 0 }

// BF16 is not measured on this architecture.
func BF16(int, time.Duration) float64 { return 0 }
