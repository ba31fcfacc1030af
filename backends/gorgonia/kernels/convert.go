package kernels

// BF16ToF32 widens bfloat16 to float32, exactly.
func BF16ToF32(p *Pool, dst []float32, src []uint16) {
	checkLen("dst", dst, len(src))
	p.For(len(src), chunk, func(lo, hi int) { active.bf16ToF32(dst[lo:hi], src[lo:hi]) })
}

// F32ToBF16 rounds float32 to the nearest bfloat16, ties to even; NaN stays NaN
// (quiet).
func F32ToBF16(p *Pool, dst []uint16, src []float32) {
	checkLen("dst", dst, len(src))
	p.For(len(src), chunk, func(lo, hi int) { active.f32ToBF16(dst[lo:hi], src[lo:hi]) })
}
