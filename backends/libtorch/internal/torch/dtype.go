//go:build libtorch

package torch

// A DType is the type of a tensor's elements, by libtorch's number for it.
type DType int32

// Types of elements.
const (
	Int32    DType = 3
	Int64    DType = 4
	Float16  DType = 5
	Float32  DType = 6
	Float64  DType = 7
	BFloat16 DType = 15
)

// Size returns the bytes of an element.
func (d DType) Size() int {
	switch d {
	case Float16, BFloat16:
		return 2
	case Int32, Float32:
		return 4
	}
	return 8
}

// A Device is where tensors live and operations run: the processor, or the number
// of a CUDA device.
type Device int32

// CPU is the processor.
const CPU Device = -1
