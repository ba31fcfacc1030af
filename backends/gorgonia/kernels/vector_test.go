package kernels

import (
	"math"
	"testing"
)

// lengths are those around the widths of vectors, unrolled loops and chunks.
var lengths = []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 576, 1000, chunk - 1, chunk + 1, 2*chunk + 33}

// special are values that arithmetic must pass on as float64 does.
var special = []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32, math.SmallestNonzeroFloat32, 1}

func TestVectorsAgainstFloat64(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(5), NewPool(3)
		defer p.Close()
		for _, n := range lengths {
			x, y := random(rng, n), random(rng, n)
			scaled, sum, moved := make([]float64, n), make([]float64, n), make([]float64, n)
			var squares float64
			for i := range n {
				a, b := float64(x[i]), float64(y[i])
				scaled[i], sum[i], moved[i] = 1.5*a, float64(x[i]+y[i]), b-0.3*a
				squares += a * a
			}
			if got := SumSquares(p, x); math.Abs(got-squares) > 1e-12*squares {
				t.Errorf("n %d: sum of squares %v, want %v", n, got, squares)
			}
			z := make([]float32, n)
			Add(p, z, x, y)
			near(t, "add", z, sum, 0)
			active.axpy(-0.3, x, y)
			near(t, "axpy", y, moved, 1e-6)
			active.scale(1.5, x)
			near(t, "scale", x, scaled, 1e-6)
		}
	})
}

func TestVectorsCarryNaNAndInfinity(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		for at := range 19 { // every place in whole and incomplete vectors
			for _, v := range special {
				x, y := make([]float32, 19), make([]float32, 19)
				x[at], y[at] = v, 1
				want := make([]float64, 19)
				want[at] = float64(v) + 1
				z := make([]float32, 19)
				Add(nil, z, x, y)
				near(t, "add", z, want, 1e-38)
				if got, want := SumSquares(nil, x), float64(v)*float64(v); got != want && !math.IsNaN(want) {
					t.Errorf("sum of squares of %v is %v", v, got)
				}
				if got, want := active.max(x), max(0, v); v == v && got != want {
					t.Errorf("max of zeros and %v is %v", v, got)
				}
				if got := active.max(x); v != v && got != 0 {
					t.Errorf("max passes NaN on: %v", got)
				}
			}
		}
		if got := active.max(nil); !math.IsInf(float64(got), -1) {
			t.Errorf("max of nothing is %v", got)
		}
		if got := active.max([]float32{-3, -2, -5}); got != -2 {
			t.Errorf("max of negative numbers is %v", got)
		}
	})
}

func TestDots(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng := newRand(6)
		for _, n := range lengths[:18] {
			x, y, z := random(rng, n), random(rng, n), random(rng, n)
			var two, three float64
			for i := range n {
				two += float64(x[i]) * float64(y[i])
				three += float64(x[i]) * float64(y[i]) * float64(z[i])
			}
			near(t, "dot", []float32{active.dot(x, y)}, []float64{two}, 1e-4)
			near(t, "dot3", []float32{active.dot3(x, y, z)}, []float64{three}, 1e-4)
		}
	})
}

func TestAddRowsTo(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(7), NewPool(3)
		defer p.Close()
		const rows, n, ld = 37, 203, 210
		x, sum := random(rng, rows*ld), random(rng, n)
		want := make([]float64, n)
		for j := range n {
			want[j] = float64(sum[j])
			for i := range rows {
				want[j] += float64(x[i*ld+j])
			}
		}
		again := append([]float32(nil), sum...)
		AddRowsTo(p, rows, n, x, ld, sum)
		near(t, "sum", sum, want, 1e-5)
		AddRowsTo(nil, rows, n, x, ld, again)
		sameBits(t, "sum on one thread", again, sum)
	})
}
