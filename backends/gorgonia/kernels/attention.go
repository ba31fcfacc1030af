package kernels

import (
	"fmt"
	"math"
)

// Attention is causal scaled dot-product attention (Vaswani et al. 2017, equation
// 1) with grouped queries: Heads is a multiple of KVHeads, and head h reads keys
// and values of head h/(Heads/KVHeads).
//
// Queries are those of one segment; keys and values are those of all positions the
// segment may see, in order: its ancestors' first, then its own. Query i stands at
// position offset+i of them and reads keys from offset+i down to 0, or Window of
// them where Window > 0. Its result is the same bits however the sequence was cut
// into segments.
//
// A row of q, out and their gradients has Heads·Dim elements, a row of k, v and
// theirs KVHeads·Dim.
type Attention struct {
	Heads, KVHeads, Dim int
	Scale               float32 // of the scores, usually 1/√Dim
	Window              int
}

// blockQ is the number of queries whose scores exist at one time.
const blockQ = 64

// Forward sets out [queries, Heads·Dim]. k and v have offset+queries rows. lse
// [queries, Heads], the log of each row's sum of exponentials, is kept for
// Backward; it may be nil.
func (t Attention) Forward(p *Pool, queries, offset int, q []float32, ldq int, k []float32, ldk int, v []float32, ldv int, out []float32, ldo int, lse []float32) {
	t.check(queries, offset, q, ldq, k, ldk, v, ldv, out, ldo)
	if lse != nil {
		checkLen("lse", lse, queries*t.Heads)
	}
	blocks := (queries + blockQ - 1) / blockQ
	p.For(t.KVHeads*blocks, 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			s := p.stripe()
			// The last block first: it has most keys.
			s.open(t, queries, offset, blocks-1-i/t.KVHeads, i%t.KVHeads)
			s.forward(q, ldq, k[s.from*ldk+s.kv*t.Dim:], ldk, v[s.from*ldv+s.kv*t.Dim:], ldv, out, ldo, lse)
			p.release(s.room, s.mul)
		}
	})
}

func (t Attention) check(queries, offset int, q []float32, ldq int, k []float32, ldk int, v []float32, ldv int, out []float32, ldo int) {
	if t.KVHeads < 1 || t.Heads%t.KVHeads != 0 || offset < 0 || t.Window < 0 {
		panic(fmt.Sprintf("kernels: attention of %d heads over %d at offset %d, window %d", t.Heads, t.KVHeads, offset, t.Window))
	}
	check("q", q, queries, t.Heads*t.Dim, ldq)
	check("k", k, offset+queries, t.KVHeads*t.Dim, ldk)
	check("v", v, offset+queries, t.KVHeads*t.Dim, ldv)
	check("out", out, queries, t.Heads*t.Dim, ldo)
}

// A stripe is up to blockQ queries of the heads that share one head of keys: row
// h·n+i is query i in the group's head h.
type stripe struct {
	Attention
	room, mul *scratch
	at, n     int // first query and number of queries
	offset    int
	kv, group int // head of keys, and heads that share it
	rows      int
	from, to  int       // keys that any query reads
	ld        int       // of scores
	scores    []float32 // [rows, to-from]
	grads     []float32 // likewise, of Backward
	x, y, dx  []float32 // [rows, Dim]: queries; mixtures or their gradients; gradients of the queries
}

// stripe returns a stripe that lies in its own scratch.
func (p *Pool) stripe() *stripe {
	room := p.scratch()
	room.stripe = stripe{room: room, mul: p.scratch()}
	return &room.stripe
}

// open sets the stripe to a block of queries of one head of keys. The first key is
// a multiple of 64: sums along rows run in that period, so hidden keys in front
// change no bit.
func (s *stripe) open(t Attention, queries, offset, block, kv int) {
	s.Attention, s.offset, s.kv, s.group = t, offset, kv, t.Heads/t.KVHeads
	s.at = block * blockQ
	s.n = min(blockQ, queries-s.at)
	s.rows = s.n * s.group
	s.from, s.to = 0, offset+s.at+s.n
	if t.Window > 0 {
		s.from = max(0, offset+s.at+1-t.Window) / 64 * 64
	}
	s.ld = (s.to-s.from+15)/16*16 + 16 // the odd line keeps rows out of one another's cache sets
	sizes := [...]int{s.rows * s.ld, s.rows * s.ld, s.rows * t.Dim, s.rows * t.Dim, s.rows * t.Dim}
	rest := s.room.take(2*s.rows*s.ld + 3*s.rows*t.Dim)
	for i, part := range [...]*[]float32{&s.scores, &s.grads, &s.x, &s.y, &s.dx} {
		*part, rest = rest[:sizes[i]], rest[sizes[i]:]
	}
}

// each calls f for every row with its query's index in the segment and its head.
func (s *stripe) each(f func(row, query, head int)) {
	for r := range s.rows {
		f(r, s.at+r%s.n, s.kv*s.group+r/s.n)
	}
}

// gather copies the stripe's part of x [queries, Heads·Dim] to dst.
func (s *stripe) gather(dst, x []float32, ldx int) {
	s.each(func(row, query, head int) {
		copy(dst[row*s.Dim:(row+1)*s.Dim], x[query*ldx+head*s.Dim:])
	})
}

// nt sets z [rows, keys] = x·keysᵀ.
func (s *stripe) nt(z, x, keys []float32, ldk int) {
	g := newProduct(s.Dim, operandOf(x, s.Dim, true), operandOf(keys, ldk, true), false, z, s.ld)
	g.block(s.mul, 0, s.rows, 0, s.to-s.from)
}

// nn sets y [rows, Dim] = z·values.
func (s *stripe) nn(y, z, values []float32, ldv int) {
	g := newProduct(s.to-s.from, operandOf(z, s.ld, true), operandOf(values, ldv, false), false, y, s.Dim)
	g.block(s.mul, 0, s.rows, 0, s.Dim)
}

// tn adds zᵀ·x to y [keys, Dim].
func (s *stripe) tn(y, z, x []float32) {
	g := newProduct(s.rows, operandOf(z, s.ld, false), operandOf(x, s.Dim, false), true, y, s.Dim)
	g.block(s.mul, 0, s.to-s.from, 0, s.Dim)
}

// visible returns the part of a row of scores up to the query's own key, what it
// may not see in front hidden and behind cleared.
func (s *stripe) visible(row, query int) []float32 {
	z := s.scores[row*s.ld : row*s.ld+s.to-s.from]
	end := s.offset + query + 1 - s.from
	if s.Window > 0 {
		for j := range max(0, end-s.Window) {
			z[j] = float32(math.Inf(-1))
		}
	}
	clear(z[end:])
	return z[:end]
}

func (s *stripe) forward(q []float32, ldq int, k []float32, ldk int, v []float32, ldv int, out []float32, ldo int, lse []float32) {
	s.gather(s.x, q, ldq)
	s.nt(s.scores, s.x, k, ldk)
	sums := s.dx[:s.rows]
	s.each(func(row, query, head int) {
		z := s.visible(row, query)
		top := s.Scale * active.max(z)
		sums[row] = active.expSum(z, z, s.Scale, top)
		if lse != nil {
			lse[query*s.Heads+head] = top + float32(math.Log(float64(sums[row])))
		}
	})
	s.nn(s.y, s.scores, v, ldv)
	s.each(func(row, query, head int) {
		y := s.y[row*s.Dim : (row+1)*s.Dim]
		active.scale(1/sums[row], y)
		copy(out[query*ldo+head*s.Dim:], y)
	})
}
