//go:build libtorch

package torch

// #cgo LDFLAGS: -lstdc++ -ltorch -ltorch_cpu -lc10 -ldl
// #include <stdlib.h>
// #include "native.h"
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/sugarme/gotch/libtch"
)

// takeString returns a string of C and frees it.
func takeString(text unsafe.Pointer) string {
	defer C.free(text)
	return C.GoString((*C.char)(text))
}

// must calls a function of native.h and fails with its error.
func must(call func(message **C.char)) {
	var message *C.char
	call(&message)
	if message != nil {
		Must(asError(takeString(unsafe.Pointer(message))))
	}
}

// native owns the result of a function of native.h.
func (s *Scope) native(call func(out *C.tensor, message **C.char)) Tensor {
	var out C.tensor
	must(func(message **C.char) { call(&out, message) })
	return s.own(libtch.Ctensor(out))
}

// of returns the handle as native.h knows it.
func of(t Tensor) C.tensor { return C.tensor(t.c) }

// array returns the handles as an array of C; there is at least one.
func array(ts []Tensor) *C.tensor {
	cs := make([]C.tensor, max(len(ts), 1))
	for i, t := range ts {
		cs[i] = of(t)
	}
	return &cs[0]
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// Configure sets the number of threads of an operation, and whether those without
// a deterministic form are refused. It turns TF32 off.
func Configure(threads int, deterministic bool) {
	must(func(message **C.char) { C.sw_configure(C.int(threads), flag(deterministic), message) })
}

// FromInts makes a vector on a device.
func (s *Scope) FromInts(device Device, values []int64) Tensor {
	return s.fromHost(device, Int64, Int64, unsafe.Pointer(unsafe.SliceData(values)), []int{len(values)})
}

// FromFloats makes a tensor of a shape and type on a device.
func (s *Scope) FromFloats(device Device, dtype DType, values []float32, shape ...int) Tensor {
	return s.fromHost(device, Float32, dtype, unsafe.Pointer(unsafe.SliceData(values)), shape)
}

// FromBytes makes a tensor of elements of type from that lie in memory, as type to.
func (s *Scope) FromBytes(device Device, from, to DType, data []byte, shape []int) Tensor {
	count := from.Size()
	for _, n := range shape {
		count *= n
	}
	if count != len(data) {
		Must(fmt.Errorf("%d bytes for shape %v", len(data), shape))
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(data)))%uintptr(from.Size()) != 0 {
		aligned := make([]uint64, (len(data)+7)/8)
		bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(aligned))), len(data))
		copy(bytes, data)
		data = bytes
	}
	return s.fromHost(device, from, to, unsafe.Pointer(unsafe.SliceData(data)), shape)
}

func (s *Scope) fromHost(device Device, from, to DType, data unsafe.Pointer, shape []int) Tensor {
	sizes := int64s(shape)
	return s.native(func(out *C.tensor, message **C.char) {
		C.sw_from_host(out, data, (*C.int64_t)(unsafe.SliceData(sizes)), C.int(len(sizes)), C.int(from), C.int(to), C.int(device), message)
	})
}

func int64s(xs []int) []int64 {
	out := make([]int64, len(xs))
	for i, x := range xs {
		out[i] = int64(x)
	}
	return out
}

// Floats fills values with x, whose size it must have.
func Floats(x Tensor, values []float32) {
	toHost(x, unsafe.Pointer(unsafe.SliceData(values)), 4*len(values), Float32)
}

// Ints fills values with x, whose size it must have.
func Ints(x Tensor, values []int64) {
	toHost(x, unsafe.Pointer(unsafe.SliceData(values)), 8*len(values), Int64)
}

func toHost(x Tensor, data unsafe.Pointer, bytes int, to DType) {
	must(func(message **C.char) { C.sw_to_host(of(x), data, C.size_t(bytes), C.int(to), message) })
}

// RMSNorm returns x / sqrt(mean(x²) + eps) weight, along the last dimension.
func (s *Scope) RMSNorm(x, weight Tensor, eps float64) Tensor {
	return s.native(func(out *C.tensor, message **C.char) { C.sw_rms_norm(out, of(x), of(weight), C.double(eps), message) })
}

// Rotate turns x [rows, heads, dim] in the planes (j, j+dim/2) by the angles whose
// cos and sin are given as [rows, 1, dim/2].
func (s *Scope) Rotate(x, cos, sin Tensor) Tensor {
	return s.native(func(out *C.tensor, message **C.char) { C.sw_rotate(out, of(x), of(cos), of(sin), message) })
}

// Split cuts x along its first dimension into parts of the sizes given.
func (s *Scope) Split(x Tensor, sizes []int64) []Tensor {
	if len(sizes) == 1 {
		return []Tensor{x}
	}
	out := make([]C.tensor, len(sizes))
	must(func(message **C.char) {
		C.sw_split(&out[0], of(x), (*C.int64_t)(unsafe.SliceData(sizes)), C.int(len(sizes)), message)
	})
	parts := make([]Tensor, len(out))
	for i, c := range out {
		parts[i] = s.own(libtch.Ctensor(c))
	}
	return parts
}
