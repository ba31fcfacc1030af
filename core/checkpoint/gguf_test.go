package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

// TestImportGGUF imports files that the gguf package wrote, and demands the hashes
// of the tensors before llama.cpp's permutation.
func TestImportGGUF(t *testing.T) {
	for name, c := range map[string]struct {
		family string
		rope   RoPE
		tied   bool
	}{
		"tiny.gguf":   {"llama", RoPE{Type: "default"}, false},
		"bias.gguf":   {"llama", RoPE{Type: "linear", Factor: 4, OriginalMaxPositions: 128}, true},
		"llama3.gguf": {"llama", RoPE{Type: "llama3", Factor: 32, LowFreqFactor: 1, HighFreqFactor: 4, OriginalMaxPositions: 8192}, true},
		"qwen2.gguf":  {"qwen2", RoPE{Type: "yarn", Factor: 2, OriginalMaxPositions: 64, AttentionFactor: 0.1*math.Ln2 + 1, BetaFast: 32, BetaSlow: 1, Truncate: true}, true},
		"qwen3.gguf":  {"qwen3", RoPE{Type: "default"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			if err := importGGUF(t.Context(), filepath.Join("testdata", name), dir); err != nil {
				t.Fatal(err)
			}
			a, err := ReadArchitecture(dir)
			if err != nil {
				t.Fatal(err)
			}
			c.rope.Dim, c.rope.Theta, c.rope.MaxPositions = 16, 50000, 128
			if c.rope.AttentionFactor == 0 {
				c.rope.AttentionFactor = 1
			}
			if a.RoPE != c.rope {
				t.Errorf("got %+v\nwant %+v", a.RoPE, c.rope)
			}
			if a.Family != c.family || a.HeadDim != 16 || a.KVHeads != 2 || a.NormEps != 1e-5 || a.TiedHead != c.tied {
				t.Errorf("got %+v", a)
			}
			checkHashes(t, dir, a, readGolden[map[string]map[string]string](t, "tiny.json")[name])
			checkImportedText(t, dir)
			if err := importGGUF(t.Context(), filepath.Join("testdata", name), dir); !hasAll(err, dir, "not empty") {
				t.Errorf("import into a full folder: %v", err)
			}
		})
	}
}

func checkHashes(t *testing.T, dir string, a *Architecture, want map[string]string) {
	t.Helper()
	w, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Check(a); err != nil {
		t.Error(err)
	}
	if len(w.Names()) != len(want) {
		t.Errorf("got %d tensors, want %d", len(w.Names()), len(want))
	}
	for name, hash := range want {
		tensor, err := w.Tensor(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if sum := sha256.Sum256(tensor.Data); hex.EncodeToString(sum[:]) != hash {
			t.Errorf("%s: other bits than the file's", name)
		}
	}
}

// checkImportedText checks tokenizer and template.
func checkImportedText(t *testing.T, dir string) {
	t.Helper()
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if ids := tok.Encode("ab<|im_end|>", true); len(ids) != 2 || tok.Decode(ids, false) != "ab<|im_end|>" {
		t.Errorf("got ids %v", ids)
	}
	if s := tok.Special(); s.BOS != "<|im_start|>" || s.EOS != "<|im_end|>" || s.PAD != "<|im_end|>" || s.UNK != "<|endoftext|>" || s.ModelMaxLength != 128 {
		t.Errorf("got special tokens %+v", s)
	}
	template, err := os.ReadFile(filepath.Join(dir, "chat_template.jinja"))
	if err != nil || string(template) != "{% for m in messages %}{{ m.content }}{% endfor %}" {
		t.Errorf("got template %q, %v", template, err)
	}
}

// TestGGUFMetadata reads a value of each type that the gguf package wrote.
func TestGGUFMetadata(t *testing.T) {
	g, err := openGGUF("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	for key, want := range map[string]any{
		"uint8": uint8(200), "int8": int8(-100), "uint16": uint16(60000), "int16": int16(-30000),
		"uint32": uint32(4000000000), "int32": int32(-2000000000), "float32": float32(0.1), "bool": true,
		"string": "text", "uint64": uint64(1 << 63), "int64": int64(-1 << 62), "float64": 0.1,
		"floats": []float32{0.5, -1.5}, "bools": []any{true, false},
	} {
		if got := g.meta["test."+key]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %T %v, want %T %v", key, got, got, want, want)
		}
	}
}

// TestUnpermute checks the formula on the smallest case by hand: of one head of 4
// rows, GGUF's order 0 2 1 3 comes back as 0 1 2 3.
func TestUnpermute(t *testing.T) {
	got := unpermute([]float32{0, 2, 1, 3}, 1, 4)
	if ulps(got, []float32{0, 1, 2, 3}) != 0 {
		t.Errorf("got %v", got)
	}
}

// TestTruncatedGGUF cuts the file at every length: always an error, never a panic.
func TestTruncatedGGUF(t *testing.T) {
	data, err := os.ReadFile("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.gguf")
	for n := 0; n < len(data); n += 1 + n/50 {
		if err := os.WriteFile(path, data[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if g, err := openGGUF(path); err == nil {
			g.close()
			t.Fatalf("the first %d of %d bytes passed for the file", n, len(data))
		}
	}
}

func TestGGUFErrors(t *testing.T) {
	data, err := os.ReadFile("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, new string // of the same length
		want     string
	}{
		"magic":        {"GGUF", "GGML", "not a GGUF file"},
		"version":      {"GGUF\x03", "GGUF\x01", "version 1 is not supported"},
		"big endian":   {"GGUF\x03\x00\x00\x00", "GGUF\x00\x00\x00\x03", "big-endian"},
		"architecture": {"\x05\x00\x00\x00\x00\x00\x00\x00llama", "\x05\x00\x00\x00\x00\x00\x00\x00gemma", `"gemma" is not supported`},
		"tensor name":  {"blk.1.ffn_up.weight", "blk.1.ffn_xx.weight", `"blk.1.ffn_up.weight" is missing`},
		"unexpected":   {"blk.1.ffn_up.weight", "blk.1.ffn_xx.weight", `"blk.1.ffn_xx.weight" is not part of`},
		"size":         {"llama.embedding_length", "llama.embedding_lengtX", "llama.embedding_length"},
		"twice":        {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", `"tokenizer.ggml.eos_token_id" occurs twice`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := replaceOnce(t, data, c.old, c.new)
			err := importGGUF(t.Context(), writeTemp(t, "x.gguf", changed), filepath.Join(t.TempDir(), "out"))
			if !hasAll(err, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// replaceOnce replaces the first occurrence of old by new, of the same length.
func replaceOnce(t *testing.T, data []byte, old, new string) []byte {
	t.Helper()
	if len(old) != len(new) || !bytes.Contains(data, []byte(old)) {
		t.Fatalf("cannot replace %q by %q", old, new)
	}
	return bytes.Replace(data, []byte(old), []byte(new), 1)
}

// FuzzGGUF imports arbitrary files: an error or a folder, never a panic.
func FuzzGGUF(f *testing.F) {
	data, err := os.ReadFile("testdata/tiny.gguf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:2000])
	dir := f.TempDir()
	path := filepath.Join(dir, "fuzz.gguf")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "out")
		defer os.RemoveAll(out)
		if err := importGGUF(t.Context(), path, out); err != nil {
			return
		}
		if _, err := ReadArchitecture(out); err != nil {
			t.Error(err)
		}
	})
}
