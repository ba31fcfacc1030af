package kernels

import "testing"

func TestGatherAndScatterAdd(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(13), NewPool(3)
		defer p.Close()
		const vocab, n, ldt, ldo = 20, 147, 150, 149
		table := random(rng, vocab*ldt)
		half, rounded := make([]uint16, len(table)), make([]float32, len(table))
		f32ToBF16Go(half, table)
		bf16ToF32Go(rounded, half)
		ids := []int32{3, 19, 3, 0, 7, 3, 19}
		out := make([]float32, len(ids)*ldo)
		for _, half16 := range []bool{false, true} {
			from := table
			if half16 {
				from = rounded
				Gather(p, n, ids, half, ldt, out, ldo)
			} else {
				Gather(p, n, ids, table, ldt, out, ldo)
			}
			for i, id := range ids {
				sameBits(t, "row", out[i*ldo:i*ldo+n], from[int(id)*ldt:][:n])
			}
		}
		grad := make([]float32, vocab*ldt)
		want := make([]float64, vocab*ldt)
		src := random(rng, len(ids)*ldo)
		for i, id := range ids {
			for j := range n {
				want[int(id)*ldt+j] += float64(src[i*ldo+j])
			}
		}
		ScatterAdd(p, n, ids, src, ldo, grad, ldt)
		near(t, "gradient", grad, want, 1e-6)
		again := make([]float32, len(grad))
		ScatterAdd(nil, n, ids, src, ldo, again, ldt)
		sameBits(t, "gradient on one thread", again, grad)
	})
}
