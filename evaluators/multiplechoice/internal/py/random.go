package py

import (
	"fmt"
	"math"
	"math/bits"
)

// Random is CPython's random.Random: the Mersenne Twister MT19937 of Matsumoto
// and Nishimura (1998), and the draws of Lib/random.py on top of it.
type Random struct {
	state [stateLen]uint32
	next  int
}

const (
	stateLen = 624
	shiftLen = 397
)

// NewRandom returns random.Random(seed).
func NewRandom(seed int64) *Random {
	r := &Random{}
	r.seedArray(seedWords(seed))
	return r
}

// seedWords returns |seed| as little-endian words, at least one.
func seedWords(seed int64) []uint32 {
	magnitude := uint64(seed)
	if seed < 0 {
		magnitude = -magnitude
	}
	words := []uint32{uint32(magnitude)}
	if high := uint32(magnitude >> 32); high != 0 {
		words = append(words, high)
	}
	return words
}

// seedOne is init_genrand.
func (r *Random) seedOne(s uint32) {
	r.state[0] = s
	for i := 1; i < stateLen; i++ {
		prev := r.state[i-1]
		r.state[i] = 1812433253*(prev^prev>>30) + uint32(i)
	}
	r.next = stateLen
}

// seedArray is init_by_array.
func (r *Random) seedArray(key []uint32) {
	r.seedOne(19650218)
	s := &r.state
	i, j := 1, 0
	wrap := func() {
		if i++; i == stateLen {
			s[0] = s[stateLen-1]
			i = 1
		}
	}
	for range max(stateLen, len(key)) {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + key[j] + uint32(j)
		wrap()
		j = (j + 1) % len(key)
	}
	for range stateLen - 1 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		wrap()
	}
	s[0] = 1 << 31
}

// Uint32 returns the next 32 bits: getrandbits(32).
func (r *Random) Uint32() uint32 {
	if r.next == stateLen {
		r.twist()
	}
	y := r.state[r.next]
	r.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (r *Random) twist() {
	for i := range r.state {
		y := r.state[i]&(1<<31) | r.state[(i+1)%stateLen]&(1<<31-1)
		v := r.state[(i+shiftLen)%stateLen] ^ y>>1
		if y&1 != 0 {
			v ^= 0x9908b0df
		}
		r.state[i] = v
	}
	r.next = 0
}

// Below returns _randbelow(n), uniform in [0, n), for 0 < n < 2^32.
func (r *Random) Below(n int) int {
	shift := 32 - bits.Len(uint(n))
	for {
		if v := int(r.Uint32() >> shift); v < n {
			return v
		}
	}
}

// Float64 returns random(), uniform in [0, 1) with 53 bits.
func (r *Random) Float64() float64 {
	high, low := r.Uint32()>>5, r.Uint32()>>6
	return (float64(high)*(1<<26) + float64(low)) / (1 << 53)
}

// Choices returns the indices that choices(range(n), k=k) picks.
func (r *Random) Choices(n, k int) []int {
	picked := make([]int, k)
	for i := range picked {
		picked[i] = int(r.Float64() * float64(n))
	}
	return picked
}

// Perm returns range(n) as shuffle leaves it.
func (r *Random) Perm(n int) []int {
	order := indices(n)
	for i := n - 1; i > 0; i-- {
		j := r.Below(i + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// Sample returns the indices that sample(range(n), k) picks, none twice.
func (r *Random) Sample(n, k int) ([]int, error) {
	if k < 0 || k > n {
		return nil, fmt.Errorf("cannot draw %d of %d without repetition", k, n)
	}
	if n <= poolLimit(k) {
		return r.samplePool(n, k), nil
	}
	picked := make([]int, k)
	seen := make(map[int]bool, k)
	for i := range picked {
		j := r.Below(n)
		for seen[j] {
			j = r.Below(n)
		}
		seen[j] = true
		picked[i] = j
	}
	return picked, nil
}

// poolLimit is the population up to which sample works on a copy of it.
func poolLimit(k int) int {
	limit := 21
	if k > 5 {
		limit += 1 << (2 * int(math.Ceil(math.Log(float64(3*k))/math.Log(4))))
	}
	return limit
}

func (r *Random) samplePool(n, k int) []int {
	pool := indices(n)
	picked := make([]int, k)
	for i := range picked {
		j := r.Below(n - i)
		picked[i] = pool[j]
		pool[j] = pool[n-i-1]
	}
	return picked
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
