package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding: a word begins as its symbols, bytes or characters, and
// the adjacent pair of lowest rank is merged until none is left.
type bpe struct {
	vocabulary
	bytes     bool // symbols are bytes, as ByteLevel makes them
	byteID    [256]int32
	asciiID   [utf8.RuneSelf]int32
	runeID    map[rune]int32
	pairs     pairTable
	bytePairs *[256][256]int32 // ranks of pairs of bytes, where symbols are bytes
	merged    []int32          // of each rank: the token it makes
	whole     map[string]int32 // ignore_merges: words that are tokens
	fallback  []int32          // byte fallback: the token of each byte
	unk       int32            // -1: characters out of the vocabulary vanish
	fuseUnk   bool
	prefix    string // of every symbol but a word's first
	suffix    string // of a word's last symbol
	cutter    cutter
}

type bpeOptions struct {
	Dropout      *float64         `json:"dropout"`
	UnkToken     *string          `json:"unk_token"`
	Prefix       *string          `json:"continuing_subword_prefix"`
	Suffix       *string          `json:"end_of_word_suffix"`
	FuseUnk      bool             `json:"fuse_unk"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
	Vocab        map[string]int32 `json:"vocab"`
	Merges       []merge          `json:"merges"`
}

// A merge is a pair of tokens: ["a", "b"], or "a b" in older files. Tokens may hold
// any white space but U+0020.
type merge [2]string

func (m *merge) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		var pair []string
		if err := json.Unmarshal(b, &pair); err != nil {
			return err
		}
		if len(pair) != 2 {
			return fmt.Errorf("merge %s is not a pair", b)
		}
		*m = merge{pair[0], pair[1]}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	left, right, ok := strings.Cut(s, " ")
	if !ok || strings.Contains(right, " ") {
		return fmt.Errorf("merge %q is not a pair", s)
	}
	*m = merge{left, right}
	return nil
}

func newBPE(c component, bytes bool) (*bpe, error) {
	var o bpeOptions
	if err := c.options(&o); err != nil {
		return nil, err
	}
	if o.Dropout != nil && *o.Dropout != 0 {
		return nil, fmt.Errorf(`"BPE": dropout %v makes ids random; set it to null`, *o.Dropout)
	}
	v, err := newVocabulary(o.Vocab)
	if err != nil {
		return nil, err
	}
	m := &bpe{vocabulary: v, bytes: bytes, fuseUnk: o.FuseUnk, unk: -1}
	if o.Prefix != nil {
		m.prefix = *o.Prefix
	}
	if o.Suffix != nil {
		m.suffix = *o.Suffix
	}
	if o.UnkToken != nil {
		id, ok := m.ids[*o.UnkToken]
		if !ok {
			return nil, fmt.Errorf(`"BPE": unk_token %q is not in the vocabulary`, *o.UnkToken)
		}
		m.unk = id
	}
	if err := m.addMerges(o.Merges); err != nil {
		return nil, err
	}
	m.addSymbols()
	if bytes && m.prefix == "" && m.suffix == "" {
		m.addBytePairs()
	}
	if o.ByteFallback {
		if bytes || m.prefix != "" || m.suffix != "" {
			return nil, fmt.Errorf(`"BPE": byte_fallback with a "ByteLevel" pre-tokenizer, a prefix or a suffix is not implemented`)
		}
		m.fallback = fallbackIDs(m.ids)
	}
	if o.IgnoreMerges {
		m.whole = m.words()
	}
	m.cutter = newCutter(m)
	return m, nil
}

// addMerges numbers the merges; of equal pairs the last one counts.
func (m *bpe) addMerges(merges []merge) error {
	m.pairs = newPairTable(len(merges))
	m.merged = make([]int32, len(merges))
	for rank, pair := range merges {
		a, okA := m.ids[pair[0]]
		b, okB := m.ids[pair[1]]
		if !okA || !okB {
			return fmt.Errorf(`"BPE": merge %d, %q and %q: both must be in the vocabulary`, rank, pair[0], pair[1])
		}
		if len(pair[1]) < len(m.prefix) {
			return fmt.Errorf(`"BPE": merge %d: %q is shorter than continuing_subword_prefix`, rank, pair[1])
		}
		id, ok := m.ids[pair[0]+pair[1][len(m.prefix):]]
		if !ok {
			return fmt.Errorf(`"BPE": merge %d, %q and %q: what they make is not in the vocabulary`, rank, pair[0], pair[1])
		}
		m.merged[rank] = id
		m.pairs.set(a, b, int32(rank))
	}
	return nil
}

// vanishing reports whether a byte may leave no token. The lengths of what follows it
// are then off by it, and the reference counts them in the characters of byteRune.
func (m *bpe) vanishing() bool {
	return m.bytes && m.unk < 0 && slices.Contains(m.byteID[:], -1)
}

// addSymbols tabulates the tokens that are one symbol.
func (m *bpe) addSymbols() {
	for b := range m.byteID {
		m.byteID[b] = m.lookup(string(byteRune[b]))
	}
	for r := range m.asciiID {
		m.asciiID[r] = m.lookup(string(rune(r)))
	}
	m.runeID = map[rune]int32{}
	for s, id := range m.ids {
		if r, n := utf8.DecodeRuneInString(s); n == len(s) && n > 0 {
			m.runeID[r] = id
		}
	}
}

// addBytePairs tabulates the ranks that a word's bytes begin with.
func (m *bpe) addBytePairs() {
	m.bytePairs = new([256][256]int32)
	for a := range m.bytePairs {
		for b := range m.bytePairs[a] {
			m.bytePairs[a][b] = m.pairs.rank(m.byteID[a], m.byteID[b])
		}
	}
}

func (m *bpe) lookup(s string) int32 {
	if id, ok := m.ids[s]; ok {
		return id
	}
	return -1
}

// words returns the vocabulary as the words come: as bytes where symbols are bytes.
func (m *bpe) words() map[string]int32 {
	if !m.bytes {
		return m.ids
	}
	words := make(map[string]int32, len(m.ids))
	for s, id := range m.ids {
		if raw, ok := toBytes(s); ok {
			words[raw] = id
		}
	}
	return words
}

// fallbackIDs returns the tokens <0x00> to <0xFF>, -1 for those that are missing.
func fallbackIDs(ids map[string]int32) []int32 {
	out := make([]int32, 256)
	for b := range out {
		id, ok := ids[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			id = -1
		}
		out[b] = id
	}
	return out
}

func (m *bpe) encode(s *scratch, word string, tokens []token) []token {
	for len(word) > 0 {
		n := m.cutter.next(word)
		tokens = m.encodeCached(s, word[:n], tokens)
		word = word[n:]
	}
	return tokens
}

func (m *bpe) encodeCached(s *scratch, word string, tokens []token) []token {
	if m.whole != nil {
		if id, ok := m.whole[word]; ok {
			return append(tokens, token{id, int32(len(word))})
		}
	}
	if len(word) > maxCached {
		return s.merge.run(m, word, m.symbols(s, word), tokens)
	}
	if known, ok := s.cache.get(word); ok {
		return append(tokens, known...)
	}
	from := len(tokens)
	tokens = s.merge.run(m, word, m.symbols(s, word), tokens)
	s.cache.put(word, tokens[from:])
	return tokens
}

// symbols returns the symbols word begins as.
func (m *bpe) symbols(s *scratch, word string) []token {
	out := s.symbols[:0]
	unk := token{m.unk, 0} // what is unknown and not yet written
	for i := 0; i < len(word); {
		n := 1
		if !m.bytes {
			_, n = utf8.DecodeRuneInString(word[i:])
		}
		id := m.symbol(word, i, n)
		switch {
		case id >= 0:
			out = flush(out, &unk)
			out = append(out, token{id, int32(n)})
		case m.canFallBack(word[i : i+n]):
			for k := range n {
				out = append(out, token{m.fallback[word[i+k]], 1})
			}
		case m.unk >= 0:
			if !m.fuseUnk {
				out = flush(out, &unk)
			}
			unk.size += int32(n)
		}
		i += n
	}
	s.symbols = flush(out, &unk)
	return s.symbols
}

func flush(out []token, unk *token) []token {
	if unk.size > 0 {
		out = append(out, *unk)
		unk.size = 0
	}
	return out
}

// symbol returns the id of the symbol word[i:i+n], or -1.
func (m *bpe) symbol(word string, i, n int) int32 {
	if m.prefix != "" && i > 0 || m.suffix != "" && i+n == len(word) {
		return m.affixed(word, i, n)
	}
	c := word[i]
	if m.bytes {
		return m.byteID[c]
	}
	if c < utf8.RuneSelf {
		return m.asciiID[c]
	}
	r, _ := utf8.DecodeRuneInString(word[i:])
	if id, ok := m.runeID[r]; ok {
		return id
	}
	return -1
}

// affixed is symbol for a model with a prefix or suffix.
func (m *bpe) affixed(word string, i, n int) int32 {
	s := word[i : i+n]
	if m.bytes {
		s = toRunes(s)
	}
	if i > 0 {
		s = m.prefix + s
	}
	if i+n == len(word) {
		s += m.suffix
	}
	return m.lookup(s)
}

func (m *bpe) canFallBack(char string) bool {
	if m.fallback == nil {
		return false
	}
	for i := range len(char) {
		if m.fallback[char[i]] < 0 {
			return false
		}
	}
	return true
}
