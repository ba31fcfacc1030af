package kernels

import (
	"fmt"
	"testing"
)

// benchmarkThreads runs f on one and two threads.
func benchmarkThreads(b *testing.B, f func(b *testing.B, p *Pool)) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			p := NewPool(threads)
			defer p.Close()
			f(b, p)
		})
	}
}

// The products of SmolLM2-135M (hidden 576, FFN 1536, vocabulary 49152) and a
// square one.
func BenchmarkGemm(b *testing.B) {
	for _, s := range [][3]int{{1024, 1024, 1024}, {1024, 1536, 576}, {1024, 576, 1536}, {256, 49152, 576}, {8, 1536, 576}, {1, 1536, 576}} {
		m, n, k := s[0], s[1], s[2]
		for _, f := range forms {
			b.Run(f.name+"/"+shape(m, n, k), func(b *testing.B) {
				rng := newRand(1)
				x, y, c := newMatrix(rng, m, k, f.a), newMatrix(rng, n, k, f.b), make([]float32, m*n)
				x.ld, y.ld = x.ld&^3, y.ld&^3
				benchmarkThreads(b, func(b *testing.B, p *Pool) {
					for b.Loop() {
						multiply(f, p, m, n, k, x.x, x.ld, y.x, y.ld, false, c, n)
					}
					b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
				b.Run("bf16dot", func(b *testing.B) {
					for b.Loop() {
						multiply(f, nil, m, n, k, x.half, x.ld, y.half, y.ld, false, c, n)
					}
					b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			})
		}
	}
}
