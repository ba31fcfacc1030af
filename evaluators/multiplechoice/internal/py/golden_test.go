package py

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"
	"unicode"
)

// goldens are made by make_goldens.py.
type goldens struct {
	Random []struct {
		Seed      int64
		Bits      []uint32
		Random    []string
		Shuffle30 []int
		Samples   []struct {
			N, K   int
			Picked []int
		}
		Choices []int
	}
	Repr   []struct{ Hex, Repr string }
	Spaces []rune
	Sums   []struct {
		Values     []string
		Sum, Numpy string
	}
}

func load(t *testing.T, into any) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	whole := data
	// Python's NaN and infinities are no JSON for encoding/json; it reads strings.
	for _, word := range []string{`"value": NaN`, `"value": Infinity`, `"value": -Infinity`} {
		data = bytes.ReplaceAll(data, []byte(word+","), []byte(`"value": "`+word[9:]+`",`))
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
	return whole
}

func TestRandom(t *testing.T) {
	var g goldens
	load(t, &g)
	for _, c := range g.Random {
		r := NewRandom(c.Seed)
		for i, want := range c.Bits {
			if got := r.Uint32(); got != want {
				t.Errorf("seed %d: word %d is %d, want %d", c.Seed, i, got, want)
			}
		}
		for i, want := range c.Random {
			if got := r.Float64(); got != fromHex(t, want) {
				t.Errorf("seed %d: random %d is %v, want %s", c.Seed, i, got, want)
			}
		}
		if got := r.Perm(30); !slices.Equal(got, c.Shuffle30) {
			t.Errorf("seed %d: shuffle %v, want %v", c.Seed, got, c.Shuffle30)
		}
		for _, s := range c.Samples {
			if got, err := r.Sample(s.N, s.K); err != nil || !slices.Equal(got, s.Picked) {
				t.Errorf("seed %d: sample(%d, %d) = %v, %v, want %v", c.Seed, s.N, s.K, got, err, s.Picked)
			}
		}
		if got := r.Choices(10, 10); !slices.Equal(got, c.Choices) {
			t.Errorf("seed %d: choices %v, want %v", c.Seed, got, c.Choices)
		}
	}
	if _, err := NewRandom(1).Sample(3, 4); err == nil {
		t.Error("sample(3, 4) succeeded")
	}
}

func fromHex(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFloatRepr(t *testing.T) {
	var g goldens
	load(t, &g)
	for _, c := range g.Repr {
		if got := FloatRepr(fromHex(t, c.Hex)); got != c.Repr {
			t.Errorf("repr of %s is %s, want %s", c.Hex, got, c.Repr)
		}
	}
}

func TestIsSpace(t *testing.T) {
	var g goldens
	load(t, &g)
	var got []rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if IsSpace(r) {
			got = append(got, r)
		}
	}
	if !slices.Equal(got, g.Spaces) {
		t.Errorf("white space is %x, want %x", got, g.Spaces)
	}
}

func TestSums(t *testing.T) {
	var g goldens
	load(t, &g)
	for _, c := range g.Sums {
		var values []float64
		for _, v := range c.Values {
			values = append(values, fromHex(t, v))
		}
		if got := Sum(values); got != fromHex(t, c.Sum) {
			t.Errorf("sum of %d: %v, want %s", len(values), got, c.Sum)
		}
		if got := PairwiseSum(values); got != fromHex(t, c.Numpy) {
			t.Errorf("numpy.sum of %d: %v, want %s", len(values), got, c.Numpy)
		}
	}
}

func TestDumpJSON(t *testing.T) {
	v, err := ParseJSON(load(t, &struct{}{}))
	if err != nil {
		t.Fatal(err)
	}
	cases, _ := v.(Object).Get("json")
	for _, c := range cases.([]any) {
		o := c.(Object)
		value, _ := o.Get("value")
		for name, f := range map[string]Format{"ascii": {ASCII: true}, "plain": {}, "indented": {Indent: 2}} {
			want, _ := o.Get(name)
			if got := DumpJSON(value, f); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
}

// TestNotFinite: the words are numbers where a value stands, and text in strings.
func TestNotFinite(t *testing.T) {
	const text = `{"NaN": [NaN, -Infinity, Infinity, 0.0, -0.0], "s": "\"NaN\\", "t": "-Infinity"}`
	v, err := ParseJSON([]byte(text))
	if got := DumpJSON(v, Format{}); err != nil || got != text {
		t.Errorf("%s, %v, want %s", got, err, text)
	}
	for _, bad := range []string{"1NaN", "NaN1", "--Infinity", "-NaN", "[Infinity1]", "nan"} {
		if v, err := ParseJSON([]byte(bad)); err == nil {
			t.Errorf("%s was read as %v", bad, v)
		}
	}
}
