// Package peak measures what the processor's arithmetic can do at most: fused
// multiply-adds on registers alone. Kernels are compared with it.
package peak

import (
	"sync"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels/internal/amx"
)

//go:generate go -C ../asm run . -isa peak -out ../peak/peak_amd64.s -stubs ../peak/stubs_amd64.go -pkg peak

// FMA returns the float32 GFLOP/s of the given number of threads, measured for d,
// with the widest vectors that the processor has, or 0 where it has neither AVX2
// nor AVX-512.
func FMA(threads int, d time.Duration) float64 {
	switch x := &cpu.X86; {
	case x.HasAVX512F:
		return measure(threads, d, fmaAVX512, 24*16*2)
	case x.HasAVX2 && x.HasFMA:
		return measure(threads, d, fmaAVX2, 12*8*2)
	}
	return 0
}

// BF16 is FMA for dot products of bfloat16, or 0 where the processor has none.
func BF16(threads int, d time.Duration) float64 {
	switch {
	case amx.Allowed():
		shape := amx.Shape(32)
		return measure(threads, d, func(rounds int) { dotAMX(rounds, shape) }, 4*16*16*32*2)
	case cpu.X86.HasAVX512BF16:
		return measure(threads, d, dotAVX512, 24*16*4)
	}
	return 0
}

// measure returns the fastest of the bursts that fit d; a round is flops
// operations. A burst is some milliseconds on all threads, as long as a matrix product:
// a shorter one would find moments in which the machine does nothing else.
func measure(threads int, d time.Duration, f func(rounds int), flops int) float64 {
	const rounds = 4 << 20
	best := time.Hour
	for start := time.Now(); time.Since(start) < d; {
		t := time.Now()
		var wg sync.WaitGroup
		for range threads {
			wg.Go(func() { f(rounds) })
		}
		wg.Wait()
		best = min(best, time.Since(t))
	}
	return float64(threads*rounds) * float64(flops) / best.Seconds() / 1e9
}
