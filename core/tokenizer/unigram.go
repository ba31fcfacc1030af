package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram finds the cut of a word whose tokens have the greatest sum of scores
// (Kudo 2018, Subword Regularization; Viterbi as in SentencePiece's EncodeOptimized).
type unigram struct {
	vocabulary
	scores   []float64
	trie     matcher
	unk      int32
	unkScore float64
	fallback []int32
}

// unkPenalty is what an unknown character costs below the lowest score.
const unkPenalty = 10

// A latticeNode is the best way to a position of a word.
type latticeNode struct {
	score float64
	from  int // where its last token begins; -1: no way yet
	id    int32
}

// A scoredToken is ["token", score].
type scoredToken struct {
	token string
	score float64
}

func (s *scoredToken) UnmarshalJSON(b []byte) error {
	pair := []any{&s.token, &s.score}
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("%s is not a token and its score", b)
	}
	return nil
}

func newUnigram(c component, bytes bool) (*unigram, error) {
	var o struct {
		UnkID        *int32        `json:"unk_id"`
		Vocab        []scoredToken `json:"vocab"`
		ByteFallback bool          `json:"byte_fallback"`
	}
	if err := c.options(&o); err != nil {
		return nil, err
	}
	if bytes {
		return nil, fmt.Errorf(`"Unigram": a "ByteLevel" pre-tokenizer before it is not implemented`)
	}
	if o.UnkID == nil || *o.UnkID < 0 || int(*o.UnkID) >= len(o.Vocab) {
		return nil, fmt.Errorf(`"Unigram": unk_id must name a token of the vocabulary`)
	}
	ids := make(map[string]int32, len(o.Vocab))
	m := &unigram{unk: *o.UnkID}
	lowest := math.Inf(1)
	for i, s := range o.Vocab {
		if _, again := ids[s.token]; again {
			return nil, fmt.Errorf(`"Unigram": token %q is there twice`, s.token)
		}
		ids[s.token] = int32(i)
		m.scores = append(m.scores, s.score)
		if s.token != "" { // which is found nowhere
			m.trie.add(s.token, i)
		}
		lowest = min(lowest, s.score)
	}
	m.unkScore = lowest - unkPenalty
	var err error
	if m.vocabulary, err = newVocabulary(ids); err != nil {
		return nil, err
	}
	if o.ByteFallback {
		m.fallback = fallbackIDs(ids)
	}
	return m, nil
}

func (m *unigram) encode(s *scratch, word string, tokens []token) []token {
	s.lattice = m.search(word, s.lattice[:0])
	from := len(tokens)
	for end := len(word); end > 0; {
		node := s.lattice[end]
		start := node.from
		for node.id == m.unk && start > 0 && s.lattice[start].id == m.unk {
			start = s.lattice[start].from // unknown characters in a row are one token
		}
		tokens = m.appendReversed(tokens, word[start:end], node.id)
		end = start
	}
	for i, j := from, len(tokens)-1; i < j; i, j = i+1, j-1 {
		tokens[i], tokens[j] = tokens[j], tokens[i]
	}
	return tokens
}

// search returns the best way to each position of word.
func (m *unigram) search(word string, best []latticeNode) []latticeNode {
	for range len(word) + 1 {
		best = append(best, latticeNode{from: -1})
	}
	offer := func(from, to int, id int32, score float64) {
		score += best[from].score
		if best[to].from < 0 || score > best[to].score {
			best[to] = latticeNode{score, from, id}
		}
	}
	for at := 0; at < len(word); {
		_, n := utf8.DecodeRuneInString(word[at:])
		single := false
		m.trie.prefixes(word[at:], func(size, id int) {
			offer(at, at+size, int32(id), m.scores[id])
			single = single || size == n
		})
		if !single {
			offer(at, at+n, m.unk, m.unkScore)
		}
		at += n
	}
	return best
}

// appendReversed appends the token of part, its bytes last to first where it is
// unknown and they can stand for it.
func (m *unigram) appendReversed(tokens []token, part string, id int32) []token {
	if known, ok := m.ids[part]; ok {
		return append(tokens, token{known, int32(len(part))})
	}
	if m.fallback == nil {
		return append(tokens, token{id, int32(len(part))})
	}
	for i := range len(part) {
		if m.fallback[part[i]] < 0 {
			return append(tokens, token{id, int32(len(part))})
		}
	}
	for i := len(part) - 1; i > 0; i-- {
		tokens = append(tokens, token{m.fallback[part[i]], 0})
	}
	return append(tokens, token{m.fallback[part[0]], int32(len(part))})
}
