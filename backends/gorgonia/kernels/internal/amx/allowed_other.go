//go:build !linux || !amd64

package amx

// Allowed reports that the registers cannot be used.
func Allowed() bool { return false }
