//go:build !amd64

package kernels

// available returns the instruction sets that this processor has, the best last.
func available() []*isa { return []*isa{&portable} }

func pause() {}
