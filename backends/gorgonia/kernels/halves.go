package kernels

import "math"

// Plain Go conversions of bfloat16.

// bf16 is the value of a bfloat16.
func bf16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// toBF16 rounds to the nearest bfloat16, ties to even.
func toBF16(x float32) uint16 {
	b := math.Float32bits(x)
	if x != x {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func bf16ToF32Go(dst []float32, src []uint16) {
	for i, h := range src {
		dst[i] = bf16(h)
	}
}

func f32ToBF16Go(dst []uint16, src []float32) {
	for i, x := range src {
		dst[i] = toBF16(x)
	}
}
