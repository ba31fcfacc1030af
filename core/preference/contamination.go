package preference

import (
	"hash/maphash"
	"slices"
	"strings"
	"unicode"

	"github.com/stepwise-dpo/stepwise/core"
)

// minContained is how many words a benchmark's text must have for it to count
// where a prompt merely contains it; a shorter one must be the whole prompt.
const minContained = 5

// Contaminated returns the pairs of s whose prompt contains one of the texts, in
// order: with a benchmark's questions as texts, the pairs that would train on
// the test. Words are compared, in lower case and without punctuation. A prompt
// in which a chat template repeats its own words is compared with them.
func Contaminated(s core.Source, texts []string) []int {
	known := newPhrases(texts)
	var found []int
	for i, p := range s.Pairs {
		if known.in(words(p.Prompt)) {
			found = append(found, i)
		}
	}
	return found
}

// phrases finds which of many sequences of words a text contains.
type phrases struct {
	seed  maphash.Seed
	whole map[string]bool       // short texts
	long  map[uint64][][]string // by the hash of the first minContained words
}

func newPhrases(texts []string) phrases {
	p := phrases{seed: maphash.MakeSeed(), whole: map[string]bool{}, long: map[uint64][][]string{}}
	for _, text := range texts {
		switch w := words(text); {
		case len(w) >= minContained:
			h := p.hash(w[:minContained])
			p.long[h] = append(p.long[h], w)
		case len(w) > 0:
			p.whole[strings.Join(w, " ")] = true
		}
	}
	return p
}

// in reports whether the words contain a long text, or are a short one.
func (p phrases) in(w []string) bool {
	if len(w) < minContained {
		return p.whole[strings.Join(w, " ")]
	}
	for i := range len(w) - minContained + 1 {
		for _, phrase := range p.long[p.hash(w[i:i+minContained])] {
			if len(w)-i >= len(phrase) && slices.Equal(w[i:i+len(phrase)], phrase) {
				return true
			}
		}
	}
	return false
}

func (p phrases) hash(w []string) uint64 {
	var h maphash.Hash
	h.SetSeed(p.seed)
	for _, word := range w {
		h.WriteString(word)
		h.WriteByte(0)
	}
	return h.Sum64()
}

// words returns the text's words in lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
