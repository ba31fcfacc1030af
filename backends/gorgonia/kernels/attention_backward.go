package kernels

// parts is the number of independent sums of gradients of keys and values: every
// parts-th block of queries adds to one of them, so threads never meet and the
// order of additions is fixed.
const parts = 4

// Backward adds the gradients of q, k and v, given dout, that of out, and what
// Forward saved (Dao et al. 2022, FlashAttention, algorithm 4). dk and dv have
// offset+queries rows like k and v.
func (t Attention) Backward(p *Pool, queries, offset int, q []float32, ldq int, k []float32, ldk int, v []float32, ldv int, out []float32, ldo int, lse, dout []float32, lddo int, dq []float32, lddq int, dk []float32, lddk int, dv []float32, lddv int) {
	t.check(queries, offset, q, ldq, k, ldk, v, ldv, out, ldo)
	t.check(queries, offset, dq, lddq, dk, lddk, dv, lddv, dout, lddo)
	checkLen("lse", lse, queries*t.Heads)
	blocks, keys := (queries+blockQ-1)/blockQ, offset+queries
	sums := min(parts, blocks)
	size := 2 * keys * t.Dim
	room := new(scratch)
	if p != nil {
		room = p.sums.take()
		defer p.sums.put(room)
	}
	partial := room.take(t.KVHeads * sums * size)
	clear(partial)
	p.For(t.KVHeads*sums, 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			kv, part := i%t.KVHeads, sums-1-i/t.KVHeads
			kvGrad := partial[(kv*sums+part)*size:][:size]
			s := p.stripe()
			for block := part; block < blocks; block += sums {
				s.open(t, queries, offset, block, kv)
				s.gather(s.x, q, ldq)
				s.gather(s.y, dout, lddo)
				s.backward(k[s.from*ldk+kv*t.Dim:], ldk, v[s.from*ldv+kv*t.Dim:], ldv, out, ldo, lse, kvGrad[s.from*t.Dim:size/2], kvGrad[size/2+s.from*t.Dim:])
				s.each(func(row, query, head int) {
					active.axpy(1, s.dx[row*t.Dim:(row+1)*t.Dim], dq[query*lddq+head*t.Dim:][:t.Dim])
				})
			}
			p.release(s.room, s.mul)
		}
	})
	p.For(keys, grainFor(keys, 2*sums*t.KVHeads*t.Dim), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for kv := range t.KVHeads {
				for part := range sums {
					from := partial[(kv*sums+part)*size+i*t.Dim:]
					active.axpy(1, from[:t.Dim], dk[i*lddk+kv*t.Dim:][:t.Dim])
					active.axpy(1, from[size/2:][:t.Dim], dv[i*lddv+kv*t.Dim:][:t.Dim])
				}
			}
		}
	})
}

// backward computes the gradients of one stripe's queries, and adds those of its
// keys and values.
//
//	P = e^(scale·q·kᵀ - lse)      dV += Pᵀ·dO
//	dS = scale·P·(dO·vᵀ - rowsum(dO·O))      dQ = dS·k      dK += dSᵀ·q
func (s *stripe) backward(k []float32, ldk int, v []float32, ldv int, out []float32, ldo int, lse, dk, dv []float32) {
	s.nt(s.scores, s.x, k, ldk)
	s.each(func(row, query, head int) {
		z := s.visible(row, query)
		active.expSum(z, z, s.Scale, lse[query*s.Heads+head])
	})
	s.tn(dv, s.scores, s.y)
	s.nt(s.grads, s.y, v, ldv)
	s.each(func(row, query, head int) {
		mean := active.dot(s.y[row*s.Dim:(row+1)*s.Dim], out[query*ldo+head*s.Dim:][:s.Dim])
		z := s.scores[row*s.ld:][:s.to-s.from]
		active.softmaxGrad(s.grads[row*s.ld:][:len(z)], z, s.Scale, mean)
	})
	s.nn(s.dx, s.grads, k, ldk)
	s.tn(dk, s.grads, s.x)
}
