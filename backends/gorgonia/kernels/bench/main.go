// Command bench measures kernels for compare.py, which runs PyTorch beside it. It reads
//
//	NAME THREADS M N K
//
// a line and answers the seconds of one call in wall time and in processor time over
// threads: the fastest of those that fit a tenth of a second. For "peak" and "peak-bf16" it answers the processor's GFLOP/s on
// registers.
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels/peak"
	"github.com/stepwise-dpo/stepwise/backends/internal/cputime"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func serve() error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var name string
		var threads, m, n, k int
		if _, err := fmt.Sscan(in.Text(), &name, &threads, &m, &n, &k); err != nil {
			return fmt.Errorf("line %q: %w", in.Text(), err)
		}
		switch name {
		case "peak":
			fmt.Println(peak.FMA(threads, budget))
		case "peak-bf16":
			fmt.Println(peak.BF16(threads, budget))
		default:
			f, ok := cases[name]
			if !ok {
				return fmt.Errorf("unknown case %q", name)
			}
			p := kernels.NewPool(threads)
			wall, cpu := fastest(f(p, m, n, k))
			fmt.Println(wall, cpu/float64(threads))
			p.Close()
		}
	}
	return in.Err()
}

const budget = 100 * time.Millisecond

// fastest returns the seconds of f's fastest call, in wall and in processor time.
func fastest(f func()) (wall, cpu float64) {
	f()
	wall, cpu = math.Inf(1), math.Inf(1)
	for start := time.Now(); time.Since(start) < budget; {
		t, c := time.Now(), cputime.Seconds()
		f()
		wall, cpu = min(wall, time.Since(t).Seconds()), min(cpu, cputime.Seconds()-c)
	}
	return wall, cpu
}

// cases prepare a call; m, n and k are the product's sizes or those named beside them.
var cases = map[string]func(p *kernels.Pool, m, n, k int) func(){
	"nn": func(p *kernels.Pool, m, n, k int) func() {
		a, b, c := floats(m*k), floats(k*n), floats(m*n)
		return func() { kernels.GemmNN(p, m, n, k, a, k, b, n, false, c, n) }
	},
	"nt": func(p *kernels.Pool, m, n, k int) func() {
		a, b, c := floats(m*k), floats(k*n), floats(m*n)
		return func() { kernels.GemmNT(p, m, n, k, a, k, b, k, false, c, n) }
	},
	"tn": func(p *kernels.Pool, m, n, k int) func() {
		a, b, c := floats(m*k), floats(k*n), floats(m*n)
		return func() { kernels.GemmTN(p, m, n, k, a, m, b, n, false, c, n) }
	},
	"nt-weights-bf16": func(p *kernels.Pool, m, n, k int) func() {
		a, b, c := floats(m*k), halves(k*n), floats(m*n)
		return func() { kernels.GemmNT(p, m, n, k, a, k, b, k, false, c, n) }
	},
	"nt-bf16": func(p *kernels.Pool, m, n, k int) func() {
		a, b, c := halves(m*k), halves(k*n), floats(m*n)
		return func() { kernels.GemmNT(p, m, n, k, a, k, b, k, false, c, n) }
	},
	// m positions, n heads over k, each of 64
	"attention":          func(p *kernels.Pool, m, n, k int) func() { return attention(p, m, n, k, false) },
	"attention-backward": func(p *kernels.Pool, m, n, k int) func() { return attention(p, m, n, k, true) },
	// m rows of n
	"logprob": func(p *kernels.Pool, m, n, _ int) func() {
		x, targets, logp, argmax := floats(m*n), make([]int32, m), make([]float64, m), make([]int32, m)
		return func() { kernels.LogProbRows(p, m, n, x, n, targets, logp, nil, argmax) }
	},
	"rmsnorm": func(p *kernels.Pool, m, n, _ int) func() {
		x, w, y, inv := floats(m*n), floats(n), floats(m*n), floats(m)
		return func() { kernels.RMSNorm(p, m, n, x, n, w, 1e-5, y, n, inv) }
	},
	"swiglu": func(p *kernels.Pool, m, n, _ int) func() {
		x, y := floats(2*m*n), floats(m*n)
		return func() { kernels.SwiGLU(p, m, n, x, 2*n, y, n) }
	},
	"adamw": func(p *kernels.Pool, m, _, _ int) func() {
		w, g, mean, square := floats(m), floats(m), floats(m), make([]float32, m)
		o := kernels.AdamW{LR: 1e-6, Beta1: .9, Beta2: .999, Eps: 1e-8}
		return func() { o.Step(p, 10, 1, w, g, mean, square) }
	},
}

func attention(p *kernels.Pool, positions, heads, shared int, backward bool) func() {
	const dim = 64
	t := kernels.Attention{Heads: heads, KVHeads: shared, Dim: dim, Scale: .125}
	q, kv := heads*dim, shared*dim
	x, k, v, out, lse := floats(positions*q), floats(positions*kv), floats(positions*kv), floats(positions*q), floats(positions*heads)
	dx, dk, dv, dout := floats(positions*q), floats(positions*kv), floats(positions*kv), floats(positions*q)
	return func() {
		t.Forward(p, positions, 0, x, q, k, kv, v, kv, out, q, lse)
		if backward {
			t.Backward(p, positions, 0, x, q, k, kv, v, kv, out, q, lse, dout, q, dx, q, dk, kv, dv, kv)
		}
	}
}

// floats returns n numbers between -1 and 1.
func floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i*7919%2003)/1001 - 1
	}
	return x
}

func halves(n int) []uint16 {
	h := make([]uint16, n)
	kernels.F32ToBF16(nil, h, floats(n))
	return h
}
