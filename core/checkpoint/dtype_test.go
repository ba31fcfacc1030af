package checkpoint

import (
	"encoding/binary"
	"math"
	"testing"
)

// TestCasts compares the rounding to bfloat16 and float16 with torch's, and the
// way back with the exact values.
func TestCasts(t *testing.T) {
	type golden struct {
		Float32           []uint32
		BFloat16, Float16 []uint16
	}
	g := readGolden[golden](t, "casts.json")
	for i, bits := range g.Float32 {
		v := math.Float32frombits(bits)
		if got := toBrain(v); got != g.BFloat16[i] {
			t.Errorf("%g (%08x) to bfloat16: got %04x, want %04x", v, bits, got, g.BFloat16[i])
		}
		if got := toHalf(v); got != g.Float16[i] {
			t.Errorf("%g (%08x) to float16: got %04x, want %04x", v, bits, got, g.Float16[i])
		}
	}
}

// TestHalfRoundTrip checks that every float16 survives widening and rounding, and
// that widening gives sign, fraction and exponent by their definition.
func TestHalfRoundTrip(t *testing.T) {
	for h := range 1 << 16 {
		v := fromHalf(uint16(h))
		if v != v {
			if toHalf(v)&0x7c00 != 0x7c00 || toHalf(v)&0x3ff == 0 {
				t.Errorf("NaN %04x became %04x", h, toHalf(v))
			}
			continue
		}
		if got := toHalf(v); got != uint16(h) {
			t.Errorf("%04x is %g and became %04x", h, v, got)
		}
		if exp := h >> 10 & 31; exp > 0 && exp < 31 {
			want := math.Ldexp(float64(1024+h&1023), exp-25)
			if h>>15 == 1 {
				want = -want
			}
			if float64(v) != want {
				t.Errorf("%04x: got %g, want %g", h, v, want)
			}
		}
	}
}

func TestEncodeRefusesOverflow(t *testing.T) {
	for _, c := range []struct {
		dtype DType
		value float32
		ok    bool
	}{
		{F16, 65504, true}, {F16, 65519.99, true}, {F16, 65520, false}, {F16, float32(math.Inf(1)), true},
		{BF16, 3.3895314e38, true}, {BF16, math.MaxFloat32, false}, {F32, math.MaxFloat32, true},
	} {
		_, err := c.dtype.encode(nil, []float32{c.value})
		if (err == nil) != c.ok {
			t.Errorf("%g as %s: %v", c.value, c.dtype, err)
		}
	}
}

// TestDecode reads what encode wrote in every type.
func TestDecode(t *testing.T) {
	want := []float32{0, 1, -2.5, 0.15625, 1024}
	for d := range torchNames {
		data, err := d.encode(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(want))
		if err := d.decode(got, data); err != nil {
			t.Fatal(err)
		}
		if ulps(got, want) != 0 {
			t.Errorf("%s: got %v, want %v", d, got, want)
		}
		if err := d.decode(got[1:], data); err == nil {
			t.Errorf("%s: decoded %d bytes into %d values", d, len(data), len(got)-1)
		}
	}
	double := binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1))
	got := make([]float32, 1)
	if err := F64.decode(got, double); err != nil || got[0] != 0.1 {
		t.Errorf("0.1 as F64: got %g, %v", got[0], err)
	}
}
