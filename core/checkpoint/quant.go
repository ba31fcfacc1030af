package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A ggmlType is a tensor's encoding in a GGUF file: blocks of values, each block
// of a fixed number of bytes. decode fills one block's values; in every type the
// arithmetic is in float32 in the order of ggml's dequantize_row functions and of
// the gguf package's quants.py, so that the bits agree.
type ggmlType struct {
	name   string
	values int // in a block
	bytes  int // of a block
	decode func(dst []float32, src []byte)
}

// ggmlTypes by their number in the file.
var ggmlTypes = map[uint32]ggmlType{
	0:  {"F32", 1, 4, func(dst []float32, src []byte) { dst[0] = math.Float32frombits(binary.LittleEndian.Uint32(src)) }},
	1:  {"F16", 1, 2, func(dst []float32, src []byte) { dst[0] = half(src) }},
	2:  {"Q4_0", 32, 18, decodeQ4_0},
	3:  {"Q4_1", 32, 20, decodeQ4_1},
	6:  {"Q5_0", 32, 22, decodeQ5_0},
	7:  {"Q5_1", 32, 24, decodeQ5_1},
	8:  {"Q8_0", 32, 34, decodeQ8_0},
	12: {"Q4_K", 256, 144, decodeQ4_K},
	13: {"Q5_K", 256, 176, decodeQ5_K},
	14: {"Q6_K", 256, 210, decodeQ6_K},
	30: {"BF16", 1, 2, func(dst []float32, src []byte) {
		dst[0] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src)) << 16)
	}},
}

// otherTypes names encodings that exist and are not read, for the error.
var otherTypes = map[uint32]string{
	9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
	20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
	29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}

func findGGMLType(number uint32) (ggmlType, error) {
	t, ok := ggmlTypes[number]
	if ok {
		return t, nil
	}
	name, known := otherTypes[number]
	if !known {
		name = fmt.Sprintf("number %d", number)
	}
	return t, fmt.Errorf("encoding %s is not supported (supported: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K)", name)
}

// dequantize decodes a whole tensor.
func (t ggmlType) dequantize(dst []float32, src []byte) {
	for len(dst) > 0 {
		t.decode(dst[:t.values], src[:t.bytes])
		dst, src = dst[t.values:], src[t.bytes:]
	}
}

func half(src []byte) float32 { return fromHalf(binary.LittleEndian.Uint16(src)) }

// decodeQ4_0: f16 d, 16 bytes of nibbles; x[j] = d (q[j] - 8), low nibbles first.
func decodeQ4_0(dst []float32, src []byte) {
	d := half(src)
	for j, q := range src[2:18] {
		dst[j] = d * float32(int(q&15)-8)
		dst[j+16] = d * float32(int(q>>4)-8)
	}
}

// decodeQ4_1: f16 d, f16 m, 16 bytes of nibbles; x[j] = d q[j] + m. Here and below
// a product is converted before it is added to, which forbids a fused rounding.
func decodeQ4_1(dst []float32, src []byte) {
	d, m := half(src), half(src[2:])
	for j, q := range src[4:20] {
		dst[j] = float32(d*float32(q&15)) + m
		dst[j+16] = float32(d*float32(q>>4)) + m
	}
}

// decodeQ5_0: f16 d, 32 high bits, 16 bytes of nibbles; x[j] = d (q[j] - 16).
func decodeQ5_0(dst []float32, src []byte) {
	d, high := half(src), binary.LittleEndian.Uint32(src[2:])
	for j, q := range src[6:22] {
		dst[j] = d * float32(int(fifth(q&15, high, j))-16)
		dst[j+16] = d * float32(int(fifth(q>>4, high, j+16))-16)
	}
}

// decodeQ5_1: f16 d, f16 m, 32 high bits, 16 bytes of nibbles; x[j] = d q[j] + m.
func decodeQ5_1(dst []float32, src []byte) {
	d, m, high := half(src), half(src[2:]), binary.LittleEndian.Uint32(src[4:])
	for j, q := range src[8:24] {
		dst[j] = float32(d*float32(fifth(q&15, high, j))) + m
		dst[j+16] = float32(d*float32(fifth(q>>4, high, j+16))) + m
	}
}

// fifth puts bit j of high above the nibble.
func fifth(nibble byte, high uint32, j int) byte { return nibble | byte(high>>j&1)<<4 }

// decodeQ8_0: f16 d, 32 signed bytes; x[j] = d q[j].
func decodeQ8_0(dst []float32, src []byte) {
	d := half(src)
	for j, q := range src[2:34] {
		dst[j] = d * float32(int8(q))
	}
}

// decodeQ4_K: f16 d, f16 dmin, 8 packed scales and minima, 128 bytes of nibbles:
// in each 32 bytes the low nibbles are one group of 32 values, the high the next.
// x = (d scale) q - (dmin min).
func decodeQ4_K(dst []float32, src []byte) {
	for g := range 8 {
		d, m := groupScale(src, g)
		qs := src[16+g/2*32:][:32]
		for j, q := range qs {
			dst[g*32+j] = float32(d*float32(q>>(g%2*4)&15)) - m
		}
	}
}

// decodeQ5_K: as Q4_K, with 32 bytes of high bits before the nibbles, bit g of
// byte j belonging to value j of group g.
func decodeQ5_K(dst []float32, src []byte) {
	high := src[16:48]
	for g := range 8 {
		d, m := groupScale(src, g)
		qs := src[48+g/2*32:][:32]
		for j, q := range qs {
			v := q>>(g%2*4)&15 | high[j]>>g&1<<4
			dst[g*32+j] = float32(d*float32(v)) - m
		}
	}
}

// groupScale returns d*scale and dmin*min of group g of a Q4_K or Q5_K block. The
// 6-bit numbers are packed in 12 bytes: of groups 0 to 3 whole, of groups 4 to 7
// the low 4 bits together and the high 2 above those of groups 0 to 3.
func groupScale(block []byte, g int) (scale, min float32) {
	packed := block[4:16]
	var s, m byte
	if g < 4 {
		s, m = packed[g]&63, packed[g+4]&63
	} else {
		s = packed[g+4]&15 | packed[g-4]>>6<<4
		m = packed[g+4]>>4 | packed[g]>>6<<4
	}
	return half(block) * float32(s), half(block[2:]) * float32(m)
}

// decodeQ6_K: 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales,
// f16 d; x = (d scale) (q - 32), a scale for 16 values. Each half of 128 values
// takes 64 and 32 bytes: value 32 k + j has nibble k/2 of byte 32 (k%2) + j and
// bit pair k of byte j.
func decodeQ6_K(dst []float32, src []byte) {
	d := half(src[208:])
	for i := range 256 {
		side, k, j := i/128, i%128/32, i%32
		low := src[side*64+k%2*32+j] >> (k / 2 * 4) & 15
		high := src[128+side*32+j] >> (2 * k) & 3
		scale := d * float32(int8(src[192+i/16]))
		dst[i] = scale * float32(int(low|high<<4)-32)
	}
}
