package tokenizer

import "hash/maphash"

// A cache remembers the tokens of words. It takes a fixed amount of memory, starts
// over when that is full, and belongs to one goroutine at a time.
type cache struct {
	seed   maphash.Seed
	slots  []cacheSlot
	used   int
	words  []byte
	tokens []token
}

type cacheSlot struct {
	hash   uint64 // zero: empty
	word   uint32 // where the word begins in words
	tokens uint32 // where its tokens begin in tokens
	size   uint16 // of the word
	count  uint16 // of its tokens
}

const (
	maxCached   = 255     // bytes of the longest word remembered
	cacheSlots  = 1 << 17 // a power of two; at most half are used
	cacheBytes  = 1 << 21
	cacheTokens = 1 << 19
)

func newCache() cache {
	return cache{seed: maphash.MakeSeed(), slots: make([]cacheSlot, cacheSlots)}
}

func (c *cache) get(word string) ([]token, bool) {
	hash := maphash.String(c.seed, word) | 1
	for i := hash >> 32; ; i++ {
		s := &c.slots[i%cacheSlots]
		if s.hash == 0 {
			return nil, false
		}
		if s.hash == hash && string(c.words[s.word:s.word+uint32(s.size)]) == word {
			return c.tokens[s.tokens : s.tokens+uint32(s.count)], true
		}
	}
}

// put remembers a word that get does not know.
func (c *cache) put(word string, tokens []token) {
	if c.used >= cacheSlots/2 || len(c.words)+len(word) > cacheBytes || len(c.tokens)+len(tokens) > cacheTokens {
		clear(c.slots)
		c.used, c.words, c.tokens = 0, c.words[:0], c.tokens[:0]
	}
	hash := maphash.String(c.seed, word) | 1
	i := hash >> 32
	for c.slots[i%cacheSlots].hash != 0 {
		i++
	}
	c.slots[i%cacheSlots] = cacheSlot{hash, uint32(len(c.words)), uint32(len(c.tokens)), uint16(len(word)), uint16(len(tokens))}
	c.words = append(c.words, word...)
	c.tokens = append(c.tokens, tokens...)
	c.used++
}
