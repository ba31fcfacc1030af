package tokenizer

import (
	"encoding/hex"
	"slices"
	"testing"
)

// TestPatterns compares where scanners and translated regexes cut texts with where
// Hugging Face's library, that is Oniguruma, does.
func TestPatterns(t *testing.T) {
	var texts []string
	readGoldenFile(t, "texts", &texts)
	var patterns []struct {
		Pattern string  `json:"pattern"`
		Ends    [][]int `json:"ends"` // of the parts of each text, in characters
	}
	readGoldenFile(t, "patterns", &patterns)
	for _, p := range patterns {
		f, err := compileRegex(p.Pattern)
		if err != nil {
			t.Error(err)
			continue
		}
		for i, want := range p.Ends {
			raw, err := hex.DecodeString(texts[i])
			if err != nil {
				t.Fatal(err)
			}
			s := validUTF8(text{s: string(raw)}).s
			w := &words{text: text{s: s}, cuts: []span{{0, len(s)}}}
			w.split(f, isolated, false)
			var got []int
			for _, c := range inCharacters(s, pairs(w.cuts)) {
				got = append(got, c[1])
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s cuts %q:\n got %v\nwant %v", p.Pattern, s, got, want)
			}
		}
	}
}

func pairs(spans []span) [][2]int {
	var out [][2]int
	for _, s := range spans {
		out = append(out, [2]int{s.start, s.end})
	}
	return out
}
