//go:build libtorch

package torch

// #include "native.h"
import "C"

import (
	"slices"
	"unsafe"
)

// Spans cut packed queries and packed keys into sequences that know nothing of
// each other. The queries of a span are the last of its keys, and see those up to
// their own.
type Spans struct {
	queries, keys         []int64 // rows of each span
	mostQueries, mostKeys int64
	queryEnds, keyEnds    Tensor // on a GPU: see native.h
}

// Spans returns the spans of so many queries and keys each, at least one, for tensors
// of a device.
func (s *Scope) Spans(device Device, queries, keys []int64) Spans {
	sp := Spans{queries: queries, keys: keys, mostQueries: slices.Max(queries), mostKeys: slices.Max(keys)}
	if device != CPU {
		sp.queryEnds, sp.keyEnds = s.ends(device, queries), s.ends(device, keys)
	}
	return sp
}

func (s *Scope) ends(device Device, sizes []int64) Tensor {
	ends := make([]int64, 1, len(sizes)+1)
	for i, n := range sizes {
		ends = append(ends, ends[i]+n)
	}
	return s.fromHost(device, Int64, Int32, unsafe.Pointer(unsafe.SliceData(ends)), []int{len(ends)})
}

// A Kernel computes attention over spans.
type Kernel C.int

// Kernels: a span at a time anywhere, or all spans in one call on a GPU.
const (
	OneByOne  Kernel = C.SW_ONE_BY_ONE
	Flash     Kernel = C.SW_FLASH     // of half precision
	Efficient Kernel = C.SW_EFFICIENT // without windows
)

// PackedKernel returns the fastest kernel that a device has for heads of a type and size.
func PackedKernel(device Device, dtype DType, dim int) Kernel {
	var kernel C.int
	must(func(message **C.char) { C.sw_packed_kernel(C.int(device), C.int(dtype), C.int(dim), &kernel, message) })
	return Kernel(kernel)
}

// PackedAttention returns softmax(q k^T / sqrt(dim)) v of [rows, heads, dim], where
// k and v may have fewer heads than q, and a query sees the last window of its keys
// (0 = all). OneByOne reads masks [queries, keys] instead of the window, one of each
// span: none where each query sees all keys, or where the span has as many queries
// as keys and each sees those up to its own.
func (s *Scope) PackedAttention(kernel Kernel, q, k, v Tensor, spans Spans, window int, masks []Tensor) Tensor {
	return s.native(func(out *C.tensor, message **C.char) {
		if kernel == OneByOne {
			C.sw_attention_one_by_one(out, of(q), of(k), of(v), (*C.int64_t)(&spans.queries[0]), (*C.int64_t)(&spans.keys[0]),
				C.int(len(spans.queries)), array(masks), message)
			return
		}
		C.sw_attention_at_once(out, C.int(kernel), of(q), of(k), of(v), of(spans.queryEnds), of(spans.keyEnds),
			C.int64_t(spans.mostQueries), C.int64_t(spans.mostKeys), C.int64_t(window), message)
	})
}
