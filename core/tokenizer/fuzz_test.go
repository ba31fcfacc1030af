package tokenizer

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzEncode checks on any bytes that encoding neither panics nor depends on what was
// encoded before, that ill-formed text counts as its well-formed reading, that offsets
// lie in the text, and that byte-level text survives the round trip.
func FuzzEncode(f *testing.F) {
	lossless := map[string]bool{"gpt2": true, "llama3": true, "o200k": true}
	toks := map[string]*Tokenizer{}
	for _, name := range []string{"gpt2", "llama3", "o200k", "falcon", "nfkd", "added-prepend", "metaspace-strip", "suffix", "inverted", "unigram-bytes"} {
		toks[name] = goldenTokenizer(f, name)
	}
	for _, c := range readGolden(f, "gpt2").Cases {
		if len(c.text) < 100 {
			f.Add(c.text)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<14 {
			return
		}
		valid := validUTF8(text{s: s}).s
		if !utf8.ValidString(valid) {
			t.Fatalf("%q is still ill-formed: %q", s, valid)
		}
		for name, tok := range toks {
			ids := tok.Encode(s, true)
			if again := tok.Encode(valid, true); !slices.Equal(ids, again) {
				t.Errorf("%s: %q: ids %v, then %v", name, s, ids, again)
			}
			traced, offsets := tok.EncodeOffsets(s, true)
			if !slices.Equal(ids, traced) || len(ids) != len(offsets) {
				t.Errorf("%s: %q: ids %v, with %d offsets %v", name, s, ids, len(offsets), traced)
			}
			for _, o := range offsets {
				if o[0] < 0 || o[0] > o[1] || o[1] > len(s) {
					t.Errorf("%s: %q of %d bytes: offsets %v", name, s, len(s), o)
				}
			}
			if got := tok.Decode(ids, false); lossless[name] && got != valid {
				t.Errorf("%s: %q comes back as %q", name, valid, got)
			}
		}
	})
}

// FuzzParse checks that no file makes Parse panic, and that what it accepts encodes.
func FuzzParse(f *testing.F) {
	for _, s := range faultyFiles {
		f.Add([]byte(tinyWith(s.old, s.new)))
	}
	f.Add([]byte(tinyFile))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := Parse(data)
		if err != nil {
			return
		}
		for _, s := range []string{"", "Hello, world  12\n", "\xffé中🙂\u0301"} {
			tok.EncodeOffsets(s, true)
			tok.Decode(tok.Encode(s, true), true)
		}
	})
}

// FuzzForeign does the same for SentencePiece's models and tiktoken's files.
func FuzzForeign(f *testing.F) {
	f.Add([]byte("IQ== 0\nIg== 1\n"))
	f.Add([]byte("\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02\n\x0a\n\x01a\x15\x00\x00\x80\xbf\x18\x01\x12\x02\x18\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := toJSON(data)
		if err != nil {
			return
		}
		if tok, err := Parse(file); err == nil {
			tok.EncodeOffsets("Hello  é中", true)
		}
	})
}
