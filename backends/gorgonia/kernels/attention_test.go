package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// attentionCase is one segment's random inputs, rows of views into wider rows.
type attentionCase struct {
	Attention
	queries, offset   int
	q, k, v, out, lse []float32
	dout, dq, dk, dv  []float32
	ldq, ldk          int
}

func newAttentionCase(rng *rand.Rand, t Attention, queries, offset int) *attentionCase {
	c := &attentionCase{Attention: t, queries: queries, offset: offset, ldq: t.Heads*t.Dim + 3, ldk: t.KVHeads*t.Dim + 5}
	keys := offset + queries
	for _, x := range []*[]float32{&c.q, &c.dout} {
		*x = random(rng, queries*c.ldq)
	}
	for _, x := range []*[]float32{&c.k, &c.v} {
		*x = random(rng, keys*c.ldk)
	}
	c.out, c.lse = make([]float32, queries*c.ldq), make([]float32, queries*t.Heads)
	c.dq, c.dk, c.dv = make([]float32, queries*c.ldq), make([]float32, keys*c.ldk), make([]float32, keys*c.ldk)
	return c
}

func (c *attentionCase) forward(p *Pool) {
	c.Forward(p, c.queries, c.offset, c.q, c.ldq, c.k, c.ldk, c.v, c.ldk, c.out, c.ldq, c.lse)
}

func (c *attentionCase) backward(p *Pool) {
	c.Backward(p, c.queries, c.offset, c.q, c.ldq, c.k, c.ldk, c.v, c.ldk, c.out, c.ldq, c.lse, c.dout, c.ldq, c.dq, c.ldq, c.dk, c.ldk, c.dv, c.ldk)
}

// plain is attention and its gradient in float64 by the textbook, row by row.
func (c *attentionCase) plain() (out, lse, dq, dk, dv []float64) {
	out, lse = make([]float64, len(c.out)), make([]float64, len(c.lse))
	dq, dk, dv = make([]float64, len(c.q)), make([]float64, len(c.k)), make([]float64, len(c.v))
	for h := range c.Heads {
		kv := h / (c.Heads / c.KVHeads)
		for i := range c.queries {
			pos, at := c.offset+i, i*c.ldq+h*c.Dim
			first := 0
			if c.Window > 0 {
				first = max(0, pos+1-c.Window)
			}
			prob := make([]float64, pos+1)
			var sum float64
			for j := first; j <= pos; j++ {
				var s float64
				for d := range c.Dim {
					s += float64(c.q[at+d]) * float64(c.k[j*c.ldk+kv*c.Dim+d])
				}
				prob[j] = math.Exp(s * float64(c.Scale))
				sum += prob[j]
			}
			lse[i*c.Heads+h] = math.Log(sum)
			var mean float64
			dp := make([]float64, pos+1)
			for j := first; j <= pos; j++ {
				prob[j] /= sum
				for d := range c.Dim {
					v, g := float64(c.v[j*c.ldk+kv*c.Dim+d]), float64(c.dout[at+d])
					out[at+d] += prob[j] * v
					dv[j*c.ldk+kv*c.Dim+d] += prob[j] * g
					dp[j] += g * v
				}
				mean += prob[j] * dp[j]
			}
			for j := first; j <= pos; j++ {
				ds := prob[j] * (dp[j] - mean) * float64(c.Scale)
				for d := range c.Dim {
					dq[at+d] += ds * float64(c.k[j*c.ldk+kv*c.Dim+d])
					dk[j*c.ldk+kv*c.Dim+d] += ds * float64(c.q[at+d])
				}
			}
		}
	}
	return out, lse, dq, dk, dv
}

func TestAttentionAgainstFloat64(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(3), NewPool(3)
		defer p.Close()
		for _, c := range []*attentionCase{
			newAttentionCase(rng, Attention{Heads: 1, KVHeads: 1, Dim: 1, Scale: 1}, 1, 0),
			newAttentionCase(rng, Attention{Heads: 3, KVHeads: 1, Dim: 16, Scale: .25}, 70, 0),
			newAttentionCase(rng, Attention{Heads: 9, KVHeads: 3, Dim: 64, Scale: .125}, 67, 131),
			newAttentionCase(rng, Attention{Heads: 4, KVHeads: 4, Dim: 20, Scale: .2}, 1, 300),
			newAttentionCase(rng, Attention{Heads: 4, KVHeads: 2, Dim: 32, Scale: .2, Window: 16}, 150, 100),
			newAttentionCase(rng, Attention{Heads: 2, KVHeads: 1, Dim: 8, Scale: .3, Window: 1}, 20, 3),
			newAttentionCase(rng, Attention{Heads: 2, KVHeads: 1, Dim: 8, Scale: .3}, 400, 0),
		} {
			c.forward(p)
			c.backward(p)
			out, lse, dq, dk, dv := c.plain()
			near(t, "out", c.out, out, 1e-5)
			near(t, "lse", c.lse, lse, 1e-5)
			near(t, "dq", c.dq, dq, 1e-4)
			near(t, "dk", c.dk, dk, 1e-4)
			near(t, "dv", c.dv, dv, 1e-4)
			c.backward(p)
			for i := range dq {
				dq[i] *= 2
			}
			near(t, "dq twice", c.dq, dq, 2e-4)
		}
	})
}

// A query's bits must not depend on where its sequence was cut into segments, nor
// on threads.
func TestAttentionBitsDependOnNoCut(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng := newRand(4)
		one, four := NewPool(1), NewPool(4)
		defer one.Close()
		defer four.Close()
		for _, window := range []int{0, 40} {
			c := newAttentionCase(rng, Attention{Heads: 6, KVHeads: 2, Dim: 64, Scale: .125, Window: window}, 300, 0)
			c.forward(one)
			out, lse := make([]float32, len(c.out)), make([]float32, len(c.lse))
			for at := 0; at < c.queries; {
				n := min(c.queries-at, 1+rng.IntN(90))
				c.Forward(four, n, at, c.q[at*c.ldq:], c.ldq, c.k, c.ldk, c.v, c.ldk, out[at*c.ldq:], c.ldq, lse[at*c.Heads:])
				at += n
			}
			sameBits(t, "out", out, c.out)
			sameBits(t, "lse", lse, c.lse)
			c.backward(one)
			again := *c
			again.dq, again.dk, again.dv = make([]float32, len(c.dq)), make([]float32, len(c.dk)), make([]float32, len(c.dv))
			again.backward(four)
			sameBits(t, "dq", again.dq, c.dq)
			sameBits(t, "dk", again.dk, c.dk)
			sameBits(t, "dv", again.dv, c.dv)
		}
	})
}

func TestAttentionRefusesImpossibleHeads(t *testing.T) {
	x := make([]float32, 64)
	mustPanic(t, "5 heads over 2", func() {
		Attention{Heads: 5, KVHeads: 2, Dim: 1}.Forward(nil, 1, 0, x, 5, x, 2, x, 2, x, 5, nil)
	})
}
