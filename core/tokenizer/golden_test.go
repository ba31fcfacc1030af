package tokenizer

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A golden is a tiny tokenizer and what Hugging Face's library, or sentencepiece,
// makes of texts (testdata/make_goldens.py).
type golden struct {
	Tokenizer json.RawMessage `json:"tokenizer"`
	Model     string          `json:"model"` // a tokenizer.model in base64
	Cases     []goldenCase    `json:"cases"`
}

type goldenCase struct {
	text    string
	IDs     []int32  `json:"ids"`
	Special []int32  `json:"special"` // ids with special tokens
	Offsets [][2]int `json:"offsets"` // of special, in characters
	Decoded *string  `json:"decoded"` // of special
	Skipped *string  `json:"skipped"` // of special, special tokens left out
}

// readGolden reads a file, gives the cases their texts and fills in what is left out.
func readGolden(t testing.TB, name string) (g golden) {
	t.Helper()
	var texts []string
	readGoldenFile(t, "texts", &texts)
	readGoldenFile(t, name, &g)
	if len(g.Cases) != len(texts) {
		t.Fatalf("%s: %d cases of %d texts", name, len(g.Cases), len(texts))
	}
	for i := range g.Cases {
		c := &g.Cases[i]
		raw, err := hex.DecodeString(texts[i])
		if err != nil {
			t.Fatal(err)
		}
		c.text = string(raw)
		if c.Special == nil {
			c.Special = c.IDs
		}
		if c.Decoded == nil {
			valid := validUTF8(text{s: c.text}).s
			c.Decoded = &valid
		}
		if c.Skipped == nil {
			c.Skipped = c.Decoded
		}
	}
	return g
}

func readGoldenFile(t testing.TB, name string, v any) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "goldens", name+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// goldenNames returns the names of the tokenizers, those of sentencepiece or the others.
func goldenNames(t testing.TB, sentencePiece bool) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "goldens", "*.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".json.gz")
		if !slices.Contains([]string{"texts", "codepoints", "patterns"}, name) && strings.HasPrefix(name, "sentencepiece-") == sentencePiece {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatal("no goldens")
	}
	return names
}

// goldenTokenizer parses the tokenizer of a golden file.
func goldenTokenizer(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Parse(readGolden(t, name).Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	return tok
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
	for _, name := range goldenNames(t, false) {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			tok, err := Parse(g.Tokenizer)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range g.Cases {
				s := c.text
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
				if got := tok.Decode(c.Special, false); got != *c.Decoded {
					t.Errorf("decoding of %v: got %q, want %q", c.Special, got, *c.Decoded)
				}
				if got := tok.Decode(c.Special, true); got != *c.Skipped {
					t.Errorf("decoding of %v without special tokens: got %q, want %q", c.Special, got, *c.Skipped)
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
	for _, name := range goldenNames(t, true) {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
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
				s := c.text
				if c.IDs == nil {
					continue // a control piece in the text: not comparable
				}
				if got := tok.Encode(s, true); !slices.Equal(got, c.IDs) {
					t.Errorf("ids of %q:\n got %v\nwant %v", s, tokens(tok, got), tokens(tok, c.IDs))
				}
			}
		})
	}
}

// TestEveryCharacter encodes each code point among characters of other classes and
// compares hashes of the ids with those of Hugging Face's library.
func TestEveryCharacter(t *testing.T) {
	var want map[string][]string
	readGoldenFile(t, "codepoints", &want)
	for name, blocks := range want {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok := goldenTokenizer(t, name)
			if len(blocks) != (unicode.MaxRune+1)/4096 {
				t.Fatalf("%d blocks", len(blocks))
			}
			for i, sum := range blocks {
				if got := hashBlock(tok, rune(i*4096)); got != sum {
					t.Errorf("the characters from %U are not encoded as they should be", i*4096)
				}
			}
		})
	}
}

// hashBlock hashes the ids of 4096 characters as make_goldens.py does.
func hashBlock(tok *Tokenizer, first rune) string {
	h := sha256.New()
	var s strings.Builder
	for r := first; r < first+4096; r++ {
		if utf8.ValidRune(r) {
			fmt.Fprintf(&s, "a%c1 %c\n", r, r)
		}
		if r%64 < 63 || s.Len() == 0 {
			continue
		}
		ids := tok.Encode(s.String(), true)
		s.Reset()
		b := binary.LittleEndian.AppendUint32(nil, uint32(len(ids)))
		for _, id := range ids {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
