package checkpoint

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// readGolden decodes testdata/name, made by testdata/make_goldens.py.
func readGolden[T any](t *testing.T, name string) T {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// floats decodes base64 of float32.
func floats(t *testing.T, text string) []float32 {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}

// ulps returns the largest distance of two slices in units in the last place.
func ulps(a, b []float32) int64 {
	if len(a) != len(b) {
		return math.MaxInt64
	}
	worst := int64(0)
	for i := range a {
		d := ordered(a[i]) - ordered(b[i])
		worst = max(worst, d, -d)
	}
	return worst
}

// ordered maps float32 to integers in their order.
func ordered(v float32) int64 {
	bits := int64(math.Float32bits(v))
	if bits >= 1<<31 {
		return 1<<31 - bits
	}
	return bits
}

// TestRoPE compares with transformers' rotary embedding in every scaling and both
// spellings. torch's pow, cos and sin are within an ulp of the correctly rounded
// ones here, and a frequency's ulp moves a long position's angle by several.
func TestRoPE(t *testing.T) {
	type golden struct {
		Config                json.RawMessage
		Length                int
		Frequencies, Cos, Sin string
	}
	for i, g := range readGolden[[]golden](t, "rope.json") {
		a, err := ParseArchitecture(g.Config)
		if err != nil {
			t.Errorf("%s: %v", g.Config, err)
			continue
		}
		t.Run(fmt.Sprintf("%s/%d/%d", a.RoPE.Type, i, g.Length), func(t *testing.T) {
			want := floats(t, g.Frequencies)
			if d := ulps(a.RoPE.frequencies(g.Length), want); d > 3 {
				t.Errorf("frequencies differ by %d ulp", d)
			}
			cos, sin := a.RoPE.Table(g.Length)
			last := len(cos) - len(want)
			compareAngles(t, cos[last:], floats(t, g.Cos), want, g.Length)
			compareAngles(t, sin[last:], floats(t, g.Sin), want, g.Length)
		})
	}
}

// compareAngles allows what two ulps of a frequency and one of cos or sin make.
func compareAngles(t *testing.T, got, want, freqs []float32, length int) {
	t.Helper()
	for j := range want {
		tolerance := float64(length)*float64(freqs[j])*3*0x1p-23 + 0x1p-22
		if d := math.Abs(float64(got[j] - want[j])); d > tolerance {
			t.Errorf("plane %d: got %g, want %g (off by %g, tolerance %g)", j, got[j], want[j], d, tolerance)
		}
	}
}

func TestLengthDependent(t *testing.T) {
	r := RoPE{Type: "dynamic", Dim: 8, Theta: 1e4, MaxPositions: 16, Factor: 2, AttentionFactor: 1}
	if r.LengthDependent(16) || !r.LengthDependent(17) {
		t.Error("dynamic scaling depends on the length beyond 16 tokens, and only there")
	}
	short, _ := r.Table(20)
	long, _ := r.Table(40)
	if ulps(short, long[:len(short)]) == 0 {
		t.Error("the tables of 20 and 40 tokens agree, though the length changes the base")
	}
	r.Type = "default"
	short, _ = r.Table(20)
	long, _ = r.Table(40)
	if ulps(short, long[:len(short)]) != 0 {
		t.Error("the table of 20 tokens is not the beginning of that of 40")
	}
}
