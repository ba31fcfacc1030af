package tokenizer

import (
	"slices"
	"testing"
)

// TestUnigramEmptyToken: a vocabulary may hold the empty token, which stands for nothing
// in any text (tokenizers 0.23.3).
func TestUnigramEmptyToken(t *testing.T) {
	tok, err := Parse([]byte(`{"version": "1.0", "added_tokens": [], "decoder": {"type": "Fuse"},
		"model": {"type": "Unigram", "unk_id": 0, "vocab": [["?", 0], ["", -1], ["a", -2], ["ab", -3]]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tok.Encode("aabc", false), []int32{2, 3, 0}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
}
