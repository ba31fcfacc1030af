package tokenizer

import "math/bits"

// A pairTable maps pairs of ids to ranks: open addressing, at most four fifths full.
type pairTable struct {
	slots []pairSlot
	shift uint
}

type pairSlot struct {
	pair uint64 // a<<32|b, plus one so that zero is an empty slot
	rank int32
}

func newPairTable(n int) pairTable {
	size := bits.Len(uint(n + n/4 + 1))
	return pairTable{make([]pairSlot, 1<<size), uint(64 - size)}
}

func pairKey(a, b int32) uint64 { return (uint64(uint32(a))<<32 | uint64(uint32(b))) + 1 }

// ids returns the pair of a slot that is not empty.
func (s pairSlot) ids() (a, b int32) { return int32((s.pair - 1) >> 32), int32(uint32(s.pair - 1)) }

// slot returns the slot of the pair or the empty one where it belongs.
func (t *pairTable) slot(key uint64) *pairSlot {
	mask := uint64(len(t.slots) - 1)
	for i := key * 0x9E3779B97F4A7C15 >> t.shift; ; i++ {
		s := &t.slots[i&mask]
		if s.pair == key || s.pair == 0 {
			return s
		}
	}
}

func (t *pairTable) set(a, b, rank int32) {
	key := pairKey(a, b)
	*t.slot(key) = pairSlot{key, rank}
}

// rank returns the rank of merging a and b, or noRank.
func (t *pairTable) rank(a, b int32) int32 {
	if s := t.slot(pairKey(a, b)); s.pair != 0 {
		return s.rank
	}
	return noRank
}

// noRank is above every rank.
const noRank = 1<<31 - 1
