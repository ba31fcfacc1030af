package checkpoint

import (
	"encoding/base64"
	"testing"
)

// TestDequantize demands the bits of the gguf package's dequantize for every
// encoding, on random blocks whose scales include zero, negatives and subnormals.
func TestDequantize(t *testing.T) {
	type golden struct {
		Type           string
		Number         uint32
		Blocks, Values string
	}
	tested := map[uint32]bool{}
	for _, g := range readGolden[[]golden](t, "quants.json") {
		kind, err := findGGMLType(g.Number)
		if err != nil || kind.name != g.Type {
			t.Errorf("type %d: %s, %v", g.Number, kind.name, err)
			continue
		}
		src, err := base64.StdEncoding.DecodeString(g.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		want := floats(t, g.Values)
		got := make([]float32, len(src)/kind.bytes*kind.values)
		kind.dequantize(got, src)
		if d := ulps(got, want); d != 0 {
			t.Errorf("%s: differs by %d ulp", g.Type, d)
		}
		tested[g.Number] = true
	}
	for number, kind := range ggmlTypes {
		if !tested[number] {
			t.Errorf("%s has no golden values", kind.name)
		}
	}
}

func TestUnknownEncoding(t *testing.T) {
	for number, want := range map[uint32]string{10: "Q2_K", 29: "IQ1_M", 99: "number 99"} {
		_, err := findGGMLType(number)
		if !hasAll(err, want, "supported: F32") {
			t.Errorf("type %d: %v", number, err)
		}
	}
}
