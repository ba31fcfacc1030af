package kernels

import "math"

// Plain Go conversions of the 16-bit formats.

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

// f16 is the value of an IEEE binary16.
func f16(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0: // zero or subnormal: frac · 2^-24
		return math.Float32frombits(math.Float32bits(float32(frac)*(1.0/(1<<24))) | sign)
	case 0x1f:
		if frac != 0 {
			frac |= 0x200
		}
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// toF16 rounds to the nearest IEEE binary16, ties to even.
func toF16(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b >> 16 & 0x8000)
	abs := b &^ (1 << 31)
	switch {
	case abs > 0xff<<23: // NaN
		return sign | 0x7e00 | uint16(abs>>13&0x3ff)
	case abs >= 0x477ff000: // 65520 and beyond
		return sign | 0x7c00
	case abs >= 0x38800000: // normal
		return sign | uint16((abs-(127-15)<<23+0xfff+abs>>13&1)>>13)
	}
	// Subnormal: adding 1/2 leaves round(|x|·2^24) in the low bits.
	return sign | uint16(math.Float32bits(math.Float32frombits(abs)+0.5)-math.Float32bits(0.5))
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

func f16ToF32Go(dst []float32, src []uint16) {
	for i, h := range src {
		dst[i] = f16(h)
	}
}

func f32ToF16Go(dst []uint16, src []float32) {
	for i, x := range src {
		dst[i] = toF16(x)
	}
}
