package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A DType is a tensor's element type as safetensors names it: "F32", "BF16".
type DType string

// The element types that weights are read from and written to.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	BF16 DType = "BF16"
	F16  DType = "F16"
)

// sizes are the bytes of one element. Types of less than a byte are missing.
var sizes = map[DType]int{
	F64: 8, F32: 4, BF16: 2, F16: 2,
	"I64": 8, "U64": 8, "C64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1,
	"F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1,
}

// torchNames are the floating types by their name in config.json.
var torchNames = map[DType]string{F64: "float64", F32: "float32", BF16: "bfloat16", F16: "float16"}

// parseDType returns the type that config.json calls float64, float32, bfloat16
// or float16. "bf16", as run configurations may say, is bfloat16.
func parseDType(name string) (DType, error) {
	if name == "bf16" {
		return BF16, nil
	}
	for d, torch := range torchNames {
		if name == torch {
			return d, nil
		}
	}
	return "", fmt.Errorf("dtype %q is not supported (supported: float64, float32, bfloat16, float16)", name)
}

// readable says whether values of the type can be read as weights.
func (d DType) readable() error {
	switch d {
	case F64, F32, BF16, F16:
		return nil
	}
	return fmt.Errorf("dtype %s is not supported for weights (supported: F64, F32, BF16, F16)", d)
}

// decode fills dst with the values in src. F64 is rounded to nearest even; the
// others are exact.
func (d DType) decode(dst []float32, src []byte) error {
	if err := d.readable(); err != nil {
		return err
	}
	if len(src) != len(dst)*sizes[d] {
		return fmt.Errorf("%d bytes of %s are not %d values", len(src), d, len(dst))
	}
	le := binary.LittleEndian
	switch d {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(src[2*i:])) << 16)
		}
	case F16:
		for i := range dst {
			dst[i] = fromHalf(le.Uint16(src[2*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	}
	return nil
}

// encode appends the values to dst, rounded to nearest even. A finite value that
// the type cannot hold is an error.
func (d DType) encode(dst []byte, values []float32) ([]byte, error) {
	le := binary.LittleEndian
	for _, v := range values {
		switch d {
		case F64:
			dst = le.AppendUint64(dst, math.Float64bits(float64(v)))
		case F32:
			dst = le.AppendUint32(dst, math.Float32bits(v))
		case BF16:
			h := toBrain(v)
			if h&0x7fff == 0x7f80 && !math.IsInf(float64(v), 0) {
				return dst, fmt.Errorf("%g does not fit bfloat16", v)
			}
			dst = le.AppendUint16(dst, h)
		case F16:
			h := toHalf(v)
			if h&0x7fff == 0x7c00 && !math.IsInf(float64(v), 0) {
				return dst, fmt.Errorf("%g does not fit float16", v)
			}
			dst = le.AppendUint16(dst, h)
		default:
			return dst, d.readable()
		}
	}
	return dst, nil
}

// toBrain rounds to bfloat16, the upper half of a float32. NaN stays a quiet NaN.
func toBrain(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// toHalf rounds to IEEE binary16, gradual underflow included.
func toHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, abs := uint16(bits>>16&0x8000), bits&0x7fffffff
	switch {
	case abs > 0x7f800000: // NaN, kept quiet with what fits of its payload
		return sign | 0x7e00 | uint16(abs>>13&0x3ff)
	case abs >= 0x47800000: // 2^16 and above, infinity
		return sign | 0x7c00
	case abs < 0x38800000: // below 2^-14: adding 0.5 lines the bits up and rounds them
		sum := math.Float32frombits(abs) + 0.5
		return sign | uint16(math.Float32bits(sum)-math.Float32bits(0.5))
	}
	rebased := abs - 112<<23 // the exponent's bias goes from 127 to 15
	return sign | uint16((rebased+0xfff+rebased>>13&1)>>13)
}

// fromHalf widens an IEEE binary16, exactly.
func fromHalf(h uint16) float32 {
	sign, exp, frac := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0: // zero and subnormal: frac * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}
