package kernels

import (
	"fmt"
	"unsafe"
)

// check panics unless x holds a matrix of the given shape.
func check[T any](what string, x []T, rows, cols, ld int) {
	if rows < 0 || cols < 0 {
		panic(fmt.Sprintf("kernels: %s is %d x %d", what, rows, cols))
	}
	if rows == 0 || cols == 0 {
		return
	}
	if ld < cols {
		panic(fmt.Sprintf("kernels: %s has %d columns and leading dimension %d", what, cols, ld))
	}
	if need := (rows-1)*ld + cols; len(x) < need {
		panic(fmt.Sprintf("kernels: %s is %d x %d with leading dimension %d and needs %d elements, has %d", what, rows, cols, ld, need, len(x)))
	}
}

// checkLen panics unless x has at least n elements.
func checkLen[T any](what string, x []T, n int) {
	if len(x) < n {
		panic(fmt.Sprintf("kernels: %s needs %d elements, has %d", what, n, len(x)))
	}
}

// aligned allocates n floats that begin at a cache line.
func aligned(n int) []float32 {
	const line = 64
	buf := make([]float32, n+line/4)
	skip := (line - int(uintptr(unsafe.Pointer(&buf[0]))%line)) % line / 4
	return buf[skip : skip+n : skip+n]
}
