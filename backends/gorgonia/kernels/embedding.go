package kernels

// Gather sets row i of out [len(ids),n] to row ids[i] of table [.,n], which is
// float32 or bfloat16.
func Gather[T Element](p *Pool, n int, ids []int32, table []T, ldt int, out []float32, ldo int) {
	check("out", out, len(ids), n, ldo)
	p.For(len(ids), grainFor(len(ids), n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			from := int(ids[i]) * ldt
			widen(out[i*ldo:i*ldo+n], table[from:from+n])
		}
	})
}

// ScatterAdd adds row i of src [len(ids),n] to row ids[i] of table: the gradient of
// [Gather]. Rows that meet are added in the order of ids.
func ScatterAdd(p *Pool, n int, ids []int32, src []float32, lds int, table []float32, ldt int) {
	check("src", src, len(ids), n, lds)
	p.For(n, columnGrain(p, n), func(lo, hi int) {
		for i, id := range ids {
			to := int(id) * ldt
			active.axpy(1, src[i*lds+lo:i*lds+hi], table[to+lo:to+hi])
		}
	})
}

// widen copies src to dst as float32.
func widen[T Element](dst []float32, src []T) {
	switch s := any(src).(type) {
	case []float32:
		copy(dst, s)
	case []uint16:
		active.bf16ToF32(dst, s)
	}
}
