package kernels

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A Pool is a fixed set of goroutines that share loops. The caller of [Pool.For]
// works too, so a pool of n threads starts n-1 goroutines. A nil *Pool is one
// thread.
type Pool struct {
	threads int
	spins   bool // who waits polls first; not where threads outnumber processors
	jobs    chan *job
	workers sync.WaitGroup
	close   sync.Once

	blocks shelf
	panels shelf // of products' shared blocks
	sums   shelf // of attention's gradients
}

// A job is one loop: its chunks are handed out by an atomic counter.
type job struct {
	f        func(lo, hi int)
	n, grain int
	next     atomic.Int64
	left     atomic.Int64   // chunks not yet finished
	done     sync.WaitGroup // of the last one
	failed   atomic.Pointer[any]
}

// NewPool returns a pool of the given number of threads, at least 1.
func NewPool(threads int) *Pool {
	if threads < 1 {
		panic(fmt.Sprintf("kernels: a pool of %d threads", threads))
	}
	p := &Pool{threads: threads, spins: threads <= runtime.GOMAXPROCS(0), jobs: make(chan *job, threads)}
	for range threads - 1 {
		p.workers.Go(func() {
			for j, ok := p.await(); ok; j, ok = p.await() {
				j.run()
			}
		})
	}
	return p
}

// Threads returns the number of threads, the caller's among them.
func (p *Pool) Threads() int {
	if p == nil {
		return 1
	}
	return p.threads
}

// Close ends the goroutines. No loop may be running or start afterwards.
func (p *Pool) Close() {
	if p == nil {
		return
	}
	p.close.Do(func() { close(p.jobs) })
	p.workers.Wait()
}

// For calls f on consecutive chunks of [0, n), each of grain indices but for the
// last, and returns when all are done. Chunks run in any order on any thread; a
// panic in one is For's panic. For may be called inside f.
func (p *Pool) For(n, grain int, f func(lo, hi int)) {
	if grain < 1 {
		panic(fmt.Sprintf("kernels: a loop in chunks of %d", grain))
	}
	chunks := (n + grain - 1) / grain
	if p.Threads() == 1 || chunks <= 1 {
		for lo := 0; lo < n; lo += grain {
			f(lo, min(lo+grain, n))
		}
		return
	}
	j := &job{f: f, n: n, grain: grain}
	j.left.Store(int64(chunks))
	j.done.Add(1)
	p.offer(j, min(chunks, p.threads)-1)
	j.run()
	if !p.spin(func() bool { return j.left.Load() == 0 }) {
		j.done.Wait()
	}
	if r := j.failed.Load(); r != nil {
		panic(*r)
	}
}

// await returns the next job, or false when the pool is closed.
func (p *Pool) await() (j *job, ok bool) {
	if !p.spin(func() bool {
		select {
		case j, ok = <-p.jobs:
			return true
		default:
			return false
		}
	}) {
		j, ok = <-p.jobs
	}
	return j, ok
}

// spinTime is many times what waking a sleeping thread takes, which on virtual
// machines is a tenth of a millisecond: as long as many a loop. The loops of one
// training step follow each other faster.
const spinTime = time.Millisecond

// spin polls done, for a while.
func (p *Pool) spin(done func() bool) bool {
	if !p.spins {
		return false
	}
	for start := time.Now(); time.Since(start) < spinTime; {
		for range 32 {
			if done() {
				return true
			}
			pause()
		}
	}
	return false
}

// offer asks up to n idle workers to join; when the queue is full all are busy.
func (p *Pool) offer(j *job, n int) {
	for range n {
		select {
		case p.jobs <- j:
		default:
			return
		}
	}
}

// run takes chunks until none is left. A worker that comes late finds none.
func (j *job) run() {
	for {
		lo := (int(j.next.Add(1)) - 1) * j.grain
		if lo >= j.n {
			return
		}
		j.chunk(lo)
	}
}

// chunk runs one chunk. A panic is kept for the loop's caller.
func (j *job) chunk(lo int) {
	defer func() {
		if r := recover(); r != nil {
			failure := r // r itself would move to the heap in every chunk
			j.failed.Store(&failure)
		}
		if j.left.Add(-1) == 0 {
			j.done.Done()
		}
	}()
	j.f(lo, min(lo+j.grain, j.n))
}

// grainFor splits n items of the given cost (in elementary operations) into chunks
// that are worth a thread's attention.
func grainFor(n, cost int) int {
	const worth = 1 << 14
	return max(1, min(n, (worth+cost-1)/max(cost, 1)))
}

// A scratch is a reusable buffer; loops take one a chunk instead of allocating.
type scratch struct {
	buf    []float32
	work   workspace
	stripe stripe
}

// take returns n floats, 64-byte aligned, with undefined contents.
func (s *scratch) take(n int) []float32 {
	if len(s.buf) < n {
		s.buf = aligned(n)
	}
	return s.buf[:n:n]
}

// A shelf keeps buffers of one purpose, so that they stay of one size.
type shelf struct {
	mu   sync.Mutex
	free []*scratch
}

func (h *shelf) take() *scratch {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.free)
	if n == 0 {
		return new(scratch)
	}
	s := h.free[n-1]
	h.free = h.free[:n-1]
	return s
}

func (h *shelf) put(s ...*scratch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = append(h.free, s...)
}

// scratch returns a buffer for panels, stripes and the like.
func (p *Pool) scratch() *scratch {
	if p == nil {
		return new(scratch)
	}
	return p.blocks.take()
}

func (p *Pool) release(s ...*scratch) {
	if p != nil {
		p.blocks.put(s...)
	}
}
