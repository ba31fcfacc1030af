package tokenizer

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A golden is a tiny tokenizer and what Hugging Face's library, or sentencepiece,
// makes of texts (testdata/make_goldens.py).
type golden struct {
	Tokenizer json.RawMessage `json:"tokenizer"`
	Model     string          `json:"model"` // a tokenizer.model in base64
	Cases     []struct {
		Hex     string   `json:"hex"`
		IDs     []int32  `json:"ids"`
		Special []int32  `json:"special"`
		Offsets [][2]int `json:"offsets"` // of special, in characters
		Decoded string   `json:"decoded"` // of special
		Skipped string   `json:"skipped"` // of special, special tokens left out
	} `json:"cases"`
}

func readGolden(t testing.TB, path string) (g golden) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(&g); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return g
}

func goldenFiles(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "goldens", pattern+".json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens %q: %v", pattern, err)
	}
	return files
}

func unhex(t testing.TB, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// inCharacters turns byte offsets into s into offsets of characters, where an
// ill-formed part counts as one.
func inCharacters(s string, offsets [][2]int) [][2]int {
	at := make([]int, len(s)+1)
	n := 0
	for i := 0; i < len(s); n++ {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			size = illFormed(s[i:])
		}
		for k := range size {
			at[i+k] = n
		}
		i += size
	}
	at[len(s)] = n
	out := make([][2]int, len(offsets))
	for i, o := range offsets {
		out[i] = [2]int{at[o[0]], at[o[1]]}
	}
	return out
}

func TestGoldens(t *testing.T) {
	for _, path := range goldenFiles(t, "*") {
		name := strings.TrimSuffix(filepath.Base(path), ".json.gz")
		if strings.HasPrefix(name, "sentencepiece") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, path)
			tok, err := Parse(g.Tokenizer)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range g.Cases {
				s := unhex(t, c.Hex)
				if got := tok.Encode(s, false); !slices.Equal(got, c.IDs) {
					t.Errorf("ids of %q:\n got %v\nwant %v", s, tokens(tok, got), tokens(tok, c.IDs))
				}
				if got := tok.Encode(s, true); !slices.Equal(got, c.Special) {
					t.Errorf("ids with special tokens of %q:\n got %v\nwant %v", s, got, c.Special)
				}
				ids, offsets := tok.EncodeOffsets(s, true)
				if got := inCharacters(s, offsets); !slices.Equal(ids, c.Special) || !slices.Equal(got, c.Offsets) {
					t.Errorf("offsets of %q, %v:\n got %v\nwant %v", s, tokens(tok, c.Special), got, c.Offsets)
				}
				if got := tok.Decode(c.Special, false); got != c.Decoded {
					t.Errorf("decoding of %v: got %q, want %q", c.Special, got, c.Decoded)
				}
				if got := tok.Decode(c.Special, true); got != c.Skipped {
					t.Errorf("decoding of %v without special tokens: got %q, want %q", c.Special, got, c.Skipped)
				}
			}
		})
	}
}

// tokens spells ids, for messages.
func tokens(tok *Tokenizer, ids []int32) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i], _ = tok.Token(id)
	}
	return out
}

func TestSentencePieceGoldens(t *testing.T) {
	for _, path := range goldenFiles(t, "sentencepiece-*") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			g := readGolden(t, path)
			model, err := base64.StdEncoding.DecodeString(g.Model)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "tokenizer.model")
			if err := os.WriteFile(file, model, 0o644); err != nil {
				t.Fatal(err)
			}
			tok, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range g.Cases {
				s := unhex(t, c.Hex)
				if got := tok.Encode(s, true); !slices.Equal(got, c.IDs) {
					t.Errorf("ids of %q:\n got %v\nwant %v", s, tokens(tok, got), tokens(tok, c.IDs))
				}
			}
		})
	}
}
