package checkpoint

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// file returns a safetensors file of the header, padded as it is, and n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func writeTemp(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTypes reads a file that the reference implementation wrote.
func TestTypes(t *testing.T) {
	w, err := Open("testdata/types.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	type golden struct {
		Shape  []int
		Values []float32
	}
	want := readGolden[map[string]golden](t, "types.json")
	if len(w.Names()) != len(want) {
		t.Errorf("got tensors %v, want %d", w.Names(), len(want))
	}
	for name, g := range want {
		tensor, err := w.Tensor(name)
		if err != nil || !slices.Equal(tensor.Shape, g.Shape) {
			t.Errorf("%s: got shape %v, want %v (%v)", name, tensor.Shape, g.Shape, err)
		}
		got := make([]float32, len(g.Values))
		err = w.Float32(name, got)
		switch name {
		case "i64", "u8", "f8": // there, but no weights
			if !hasAll(err, name, string(tensor.DType), "not supported for weights") {
				t.Errorf("%s: %v", name, err)
			}
		default:
			if err != nil || ulps(got, g.Values) != 0 {
				t.Errorf("%s: got %v, want %v (%v)", name, got, g.Values, err)
			}
		}
	}
	if err := w.Float32("f32", make([]float32, 3)); !hasAll(err, `"f32"`) {
		t.Errorf("a slice of the wrong size: %v", err)
	}
	if _, err := w.Tensor("missing"); !hasAll(err, `"missing"`) {
		t.Errorf("a missing tensor: %v", err)
	}
}

func TestMalformed(t *testing.T) {
	const a = `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty file":         {nil, "not a safetensors file"},
		"short file":         {[]byte("GGUF"), "not a safetensors file"},
		"huge header":        {binary.LittleEndian.AppendUint64(nil, 1<<62), "a header of 4611686018427387904 bytes"},
		"truncated header":   {file(`{`+a+`}`, 8)[:20], "truncated: a header of"},
		"no object":          {file(`[1]`, 0), "does not begin with '{'"},
		"broken JSON":        {file(`{"a":`, 0), "header"},
		"trailing text":      {file(`{`+a+`}x`, 8), "follow the object"},
		"duplicate":          {file(`{`+a+`,`+a+`}`, 8), `"a" occurs twice`},
		"duplicate metadata": {file(`{"__metadata__":{},"__metadata__":{}}`, 0), "occurs twice"},
		"truncated data":     {file(`{`+a+`}`, 7), `truncated: "a" ends at byte 8`},
		"trailing data":      {file(`{`+a+`}`, 9), "1 bytes follow the last tensor"},
		"overlap":            {file(`{`+a+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), `"b" overlaps`},
		"same place":         {file(`{`+a+`,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), "overlaps"},
		"hole":               {file(`{`+a+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}`, 16), `4 unused bytes before "b"`},
		"wrong size":         {file(`{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}}`, 8), "takes 4 bytes, data_offsets give 8"},
		"backwards":          {file(`{"a":{"dtype":"F16","shape":[2],"data_offsets":[8,4]}}`, 8), "impossible data_offsets"},
		"negative offset":    {file(`{"a":{"dtype":"F16","shape":[2],"data_offsets":[-4,0]}}`, 8), "impossible data_offsets"},
		"negative shape":     {file(`{"a":{"dtype":"F16","shape":[-2],"data_offsets":[0,0]}}`, 0), "impossible shape"},
		"overflow":           {file(`{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,0]}}`, 0), "impossible shape"},
		"fraction":           {file(`{"a":{"dtype":"F32","shape":[0.5],"data_offsets":[0,0]}}`, 0), `"a"`},
		"no dtype":           {file(`{"a":{"shape":[0],"data_offsets":[0,0]}}`, 0), "is missing"},
		"no shape":           {file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4), "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeTemp(t, "model.safetensors", c.data)
			w, err := Open(path)
			if err == nil {
				w.Close()
			}
			if !hasAll(err, c.want, path) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestPadded accepts the spaces that the reference implementation pads with.
func TestPadded(t *testing.T) {
	w, err := Open(writeTemp(t, "x.safetensors", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   `, 8)))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzSafetensors opens arbitrary files: an error or tensors whose bytes are all
// there, never a panic.
func FuzzSafetensors(f *testing.F) {
	golden, err := os.ReadFile("testdata/types.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(file(`{"__metadata__":{"format":"pt"},"":{"dtype":"F4","shape":[],"data_offsets":[0,1]}}`, 1))
	path := filepath.Join(f.TempDir(), "fuzz.safetensors")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Open(path)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		defer w.Close()
		total := 0
		for _, name := range w.Names() {
			tensor, err := w.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			total += len(tensor.Data)
			if size := sizes[tensor.DType]; size > 0 && tensor.DType.readable() == nil {
				if err := w.Float32(name, make([]float32, len(tensor.Data)/size)); err != nil {
					t.Error(err)
				}
			}
		}
		if header := int(binary.LittleEndian.Uint64(data)); 8+header+total != len(data) {
			t.Errorf("the tensors have %d bytes, the file %d after the header", total, len(data)-8-header)
		}
	})
}
