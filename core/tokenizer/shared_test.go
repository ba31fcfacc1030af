package tokenizer_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

// corpusGolden is what Hugging Face's native library made of corpus.json.
type corpusGolden struct {
	IDs         [][]int32  `json:"ids"`
	IDsSpecial  [][]int32  `json:"idsS"`
	Decoded     []string   `json:"dec"`  // of ids
	DecodedFull []string   `json:"decS"` // of idsS, special tokens skipped
	Offsets     [][][2]int `json:"offs"` // of ids, in characters
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := json.NewDecoder(f)
	if filepath.Ext(path) == ".gz" {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		d = json.NewDecoder(z)
	}
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// characters turns byte offsets into s into offsets of characters.
func inCharacters(s string, offsets [][2]int) [][2]int {
	at := make([]int, len(s)+1)
	n := 0
	for i := range len(s) {
		if utf8.RuneStart(s[i]) {
			n++
		}
		at[i] = n - 1
	}
	at[len(s)] = n
	out := make([][2]int, len(offsets))
	for i, o := range offsets {
		out[i] = [2]int{at[o[0]], at[o[1]]}
	}
	return out
}

func TestSharedCorpus(t *testing.T) {
	dir := filepath.Join(testenv.Shared(t), "tokenizers")
	var corpus []string
	readJSON(t, filepath.Join(dir, "corpus.json"), &corpus)
	for _, name := range []string{"llama2fix", "mistral3", "llama3", "qwen2"} {
		t.Run(name, func(t *testing.T) {
			var want corpusGolden
			readJSON(t, filepath.Join(dir, name+".ids.json.gz"), &want)
			tok, err := tokenizer.Load(filepath.Join(dir, name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			wrong := 0
			check := func(ok bool, what string, i int, got, want any) {
				if ok {
					return
				}
				if wrong++; wrong <= 10 {
					t.Errorf("%s of %q:\n got %v\nwant %v", what, corpus[i], got, want)
				}
			}
			for i, s := range corpus {
				ids := tok.Encode(s, false)
				check(slices.Equal(ids, want.IDs[i]), "ids", i, ids, want.IDs[i])
				full := tok.Encode(s, true)
				check(slices.Equal(full, want.IDsSpecial[i]), "ids with special tokens", i, full, want.IDsSpecial[i])
				if want.Offsets[i] != nil { // long texts have none
					_, offsets := tok.EncodeOffsets(s, false)
					offsets = inCharacters(s, offsets)
					check(slices.Equal(offsets, want.Offsets[i]), "offsets", i, offsets, want.Offsets[i])
				}
				dec := tok.Decode(ids, false)
				check(dec == want.Decoded[i], "decoding", i, dec, want.Decoded[i])
				dec = tok.Decode(full, true)
				check(dec == want.DecodedFull[i], "decoding with special tokens", i, dec, want.DecodedFull[i])
			}
			t.Logf("%d texts, %d differences", len(corpus), wrong)
		})
	}
}

func TestSmolLM2(t *testing.T) {
	dir := testenv.SmolLM2(t)
	f, err := os.Open(filepath.Join(testenv.Shared(t), "golden", "smollm2", "tokenizer.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for d := json.NewDecoder(z); d.More(); n++ {
		var want struct {
			Text    string  `json:"text"`
			IDs     []int32 `json:"ids"`
			Decoded string  `json:"decoded"`
		}
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got := tok.Encode(want.Text, false)
		if !slices.Equal(got, want.IDs) {
			t.Errorf("ids of %q:\n got %v\nwant %v", want.Text, got, want.IDs)
		}
		if s := tok.Decode(want.IDs, false); s != want.Decoded {
			t.Errorf("decoding of %v: got %q, want %q", want.IDs, s, want.Decoded)
		}
	}
	if n != 320 {
		t.Errorf("%d texts, want 320", n)
	}
}
