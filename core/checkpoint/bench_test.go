package checkpoint

import "testing"

// BenchmarkDecode reads 4 M values of each type.
func BenchmarkDecode(b *testing.B) {
	dst := make([]float32, 1<<22)
	for _, d := range []DType{F32, BF16, F16} {
		src, err := d.encode(nil, dst)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(d), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if err := d.decode(dst, src); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("encode "+string(d), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if _, err := d.encode(src[:0], dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, number := range []uint32{3, 8, 12, 14} {
		t := ggmlTypes[number]
		src := make([]byte, len(dst)/t.values*t.bytes)
		b.Run(t.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(dst)))
			for b.Loop() {
				t.dequantize(dst, src)
			}
		})
	}
}
