//go:build libtorch

package torch

// #include "native.h"
import "C"

// LoadCUDA loads CUDA's half of libtorch, once, and returns the number of devices.
// It comes before any other question about CUDA. memoryFraction is what may be
// taken of a device's memory.
func LoadCUDA(memoryFraction float64) int {
	var devices C.int
	must(func(message **C.char) {
		C.sw_load_cuda(C.double(memoryFraction), &devices, message)
	})
	return int(devices)
}

// Memory returns the free and total bytes of a CUDA device, and those that the
// process's allocator holds.
func Memory(device Device) (free, total, held int64) {
	var f, t, h C.int64_t
	must(func(message **C.char) { C.sw_memory(C.int(device), &f, &t, &h, message) })
	return int64(f), int64(t), int64(h)
}

// Synchronize waits until a device has done what it was told.
func Synchronize(device Device) {
	must(func(message **C.char) { C.sw_synchronize(C.int(device), message) })
}

// ReleaseCache gives memory that the allocators keep for later, of a CUDA device and
// of copies to it, back to the system.
func ReleaseCache(device Device) {
	must(func(message **C.char) { C.sw_release_cache(C.int(device), message) })
}
