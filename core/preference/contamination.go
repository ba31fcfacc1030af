package preference

import (
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/stepwise-dpo/stepwise/core"
)

// minContained is how many words a question must have for it to count where a
// prompt merely contains it; a shorter one must be the whole prompt.
const minContained = 5

// Contamination is how many pairs of a source would train on a benchmark's test.
type Contamination struct {
	Source string `json:"source"`
	Task   string `json:"task"`
	Pairs  int    `json:"pairs"` // whose prompt contains a question of the task
}

// Contaminations looks for the questions in the prompts of each source. Words are
// compared, in lower case and without punctuation. A prompt in which a chat
// template repeats its own words is compared with them.
func Contaminations(sources []core.Source, questions []core.Question) []Contamination {
	if len(questions) == 0 {
		return nil
	}
	known := newPhrases(questions)
	var out []Contamination
	for _, s := range sources {
		pairs := map[string]int{}
		for _, p := range s.Pairs {
			for task := range known.in(words(p.Prompt)) {
				pairs[task]++
			}
		}
		for _, task := range slices.Sorted(maps.Keys(pairs)) {
			out = append(out, Contamination{s.Name, task, pairs[task]})
		}
	}
	return out
}

// phrases finds which of many questions a text contains.
type phrases struct {
	seed  maphash.Seed
	whole map[string][]string // short questions; the tasks that ask each
	long  map[uint64][]phrase // by the hash of the first minContained words
}

// phrase is the words of a long question and the task that asks it.
type phrase struct {
	words []string
	task  string
}

func newPhrases(questions []core.Question) phrases {
	p := phrases{seed: maphash.MakeSeed(), whole: map[string][]string{}, long: map[uint64][]phrase{}}
	for _, q := range questions {
		switch w := words(q.Text); {
		case len(w) >= minContained:
			h := p.hash(w[:minContained])
			p.long[h] = append(p.long[h], phrase{w, q.Task})
		case len(w) > 0:
			key := strings.Join(w, " ")
			p.whole[key] = append(p.whole[key], q.Task)
		}
	}
	return p
}

// in returns the tasks of which the words contain a long question, or are a short
// one.
func (p phrases) in(w []string) map[string]bool {
	tasks := map[string]bool{}
	if len(w) < minContained {
		for _, task := range p.whole[strings.Join(w, " ")] {
			tasks[task] = true
		}
	}
	for i := range len(w) - minContained + 1 {
		for _, q := range p.long[p.hash(w[i:i+minContained])] {
			if len(w)-i >= len(q.words) && slices.Equal(w[i:i+len(q.words)], q.words) {
				tasks[q.task] = true
			}
		}
	}
	return tasks
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
