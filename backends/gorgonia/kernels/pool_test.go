package kernels

import (
	"sync/atomic"
	"testing"
)

func TestForVisitsEveryIndexOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := NewPool(threads)
		for _, n := range []int{0, 1, 2, 7, 1000} {
			for _, grain := range []int{1, 3, 1000} {
				seen := make([]atomic.Int32, n)
				p.For(n, grain, func(lo, hi int) {
					if hi-lo > grain || lo%grain != 0 {
						t.Errorf("chunk [%d, %d) of grain %d", lo, hi, grain)
					}
					for i := lo; i < hi; i++ {
						seen[i].Add(1)
					}
				})
				for i := range seen {
					if seen[i].Load() != 1 {
						t.Fatalf("threads %d, n %d, grain %d: index %d seen %d times", threads, n, grain, i, seen[i].Load())
					}
				}
			}
		}
		p.Close()
		p.Close()
	}
}

func TestForNests(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	var sum atomic.Int64
	p.For(20, 1, func(lo, _ int) {
		p.For(50, 7, func(l, h int) {
			for i := l; i < h; i++ {
				sum.Add(int64(lo*50 + i))
			}
		})
	})
	if got, want := sum.Load(), int64(1000*999/2); got != want {
		t.Errorf("sum %d, want %d", got, want)
	}
}

func TestForPassesAPanicOn(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	mustPanic(t, "a loop with a panicking chunk", func() {
		p.For(100, 1, func(lo, _ int) {
			if lo == 57 {
				panic("57")
			}
		})
	})
	ran := false
	p.For(1, 1, func(int, int) { ran = true })
	if !ran {
		t.Error("the pool does not work after a panic")
	}
}

func TestPoolRefusesNonsense(t *testing.T) {
	mustPanic(t, "no threads", func() { NewPool(0) })
	mustPanic(t, "no grain", func() { new(Pool).For(1, 0, func(int, int) {}) })
}

func TestNilPoolIsOneThread(t *testing.T) {
	var p *Pool
	defer p.Close()
	x := []float32{1, 2, 3}
	Add(p, x, x, x)
	near(t, "x", x, []float64{2, 4, 6}, 0)
	if p.Threads() != 1 {
		t.Errorf("%d threads", p.Threads())
	}
}
