package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestStream joins what a Stream returns for each golden's ids and compares it with
// what Hugging Face's library decodes at once.
func TestStream(t *testing.T) {
	for _, name := range goldenNames(t, false) {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			tok, err := Parse(g.Tokenizer)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range g.Cases {
				s := tok.NewStream(true)
				var out strings.Builder
				for _, id := range c.Special {
					part := s.Next(id)
					if !utf8.ValidString(part) {
						t.Errorf("a part of %v is not valid UTF-8: %q", c.Special, part)
					}
					out.WriteString(part)
				}
				out.WriteString(s.Rest())
				if out.String() != *c.Skipped {
					t.Errorf("stream of %q: got %q, want %q", tokens(tok, c.Special), out.String(), *c.Skipped)
				}
			}
		})
	}
}

// TestStreamHoldsBack checks that a character of several tokens comes at once.
func TestStreamHoldsBack(t *testing.T) {
	tok := goldenTokenizer(t, "gpt2")
	ids := tok.Encode("a🚀b", false)
	if len(ids) < 4 {
		t.Fatalf("the rocket is not several tokens: %v", ids)
	}
	s := tok.NewStream(false)
	var parts []string
	for _, id := range ids {
		if part := s.Next(id); part != "" {
			parts = append(parts, part)
		}
	}
	if !slices.Equal(parts, []string{"a", "🚀", "b"}) {
		t.Errorf("parts %q", parts)
	}
}
