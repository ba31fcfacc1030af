package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A form is one of the three layouts: whether A and B are stored with k contiguous.
type form struct {
	name string
	a, b bool
}

var forms = []form{{"NN", true, false}, {"NT", true, true}, {"TN", false, false}}

// matrix is a random operand of lanes x k in either layout, rows padded.
type matrix struct {
	x    []float32
	half []uint16
	ld   int
	kc   bool
}

func newMatrix(rng *rand.Rand, lanes, k int, kc bool) matrix {
	rows, cols := k, lanes
	if kc {
		rows, cols = lanes, k
	}
	m := matrix{ld: cols + rng.IntN(4), kc: kc}
	m.x = random(rng, max(0, (rows-1)*m.ld+cols))
	m.half = make([]uint16, len(m.x)+1)[rng.IntN(2):][:len(m.x)]
	f32ToBF16Go(m.half, m.x)
	return m
}

// rounded is the matrix of the bfloat16 values.
func (m matrix) rounded() matrix {
	x := make([]float32, len(m.half))
	bf16ToF32Go(x, m.half)
	return matrix{x: x, ld: m.ld, kc: m.kc}
}

func (m matrix) at(lane, l int) float64 {
	if m.kc {
		return float64(m.x[lane*m.ld+l])
	}
	return float64(m.x[l*m.ld+lane])
}

func multiply[A, B Element](f form, p *Pool, m, n, k int, a []A, lda int, b []B, ldb int, accumulate bool, c []float32, ldc int) {
	switch f.name {
	case "NN":
		GemmNN(p, m, n, k, a, lda, b, ldb, accumulate, c, ldc)
	case "NT":
		GemmNT(p, m, n, k, a, lda, b, ldb, accumulate, c, ldc)
	case "TN":
		GemmTN(p, m, n, k, a, lda, b, ldb, accumulate, c, ldc)
	}
}

var shapes = [][3]int{
	{0, 5, 3}, {3, 0, 2}, {2, 3, 0}, {1, 1, 1}, {1, 33, 17}, {2, 7, 64}, {3, 31, 40}, {4, 32, 16}, {5, 65, 33}, {13, 48, 100},
	{14, 64, 64}, {15, 96, 31}, {16, 17, 90}, {29, 129, 15}, {31, 100, 577}, {64, 64, 64}, {65, 63, 130}, {100, 300, 50}, {230, 70, 33}, {17, 1100, 19}, {350, 1060, 7}, {350, 20, 1100},
}

func TestGemmAgainstFloat64(t *testing.T) {
	everyTiling(t, func(t *testing.T) {
		rng, p := newRand(1), NewPool(3)
		defer p.Close()
		for _, s := range shapes {
			for _, f := range forms {
				t.Run(f.name+shape(s[0], s[1], s[2]), func(t *testing.T) { testGemm(t, rng, p, f, s[0], s[1], s[2]) })
			}
		}
	})
}

// Small blocks take small products through every combination of blocks.
func TestGemmInSmallBlocks(t *testing.T) {
	everyTiling(t, func(t *testing.T) {
		rng, p := newRand(1), NewPool(3)
		defer p.Close()
		for _, keep := range []int{0, 1 << 20} {
			for _, s := range [][3]int{{15, 96, 31}, {100, 300, 50}, {230, 70, 33}, {350, 110, 41}} {
				setBlocks(t, 16, 1<<10, keep)
				for _, f := range forms {
					t.Run(f.name+shape(s[0], s[1], s[2]), func(t *testing.T) {
						testGemm(t, rng, p, f, s[0], s[1], s[2])
						testGemm(t, rng, nil, f, s[0], s[1], s[2])
					})
				}
			}
		}
	})
}

func setBlocks(t *testing.T, k, b, keep int) {
	oldK, oldB, oldKeep := blockK, blockB, keepA
	t.Cleanup(func() { blockK, blockB, keepA = oldK, oldB, oldKeep })
	blockK, blockB, keepA = k, b, keep
}

// testGemm checks all types of operands, overwriting and accumulating.
func testGemm(t *testing.T, rng *rand.Rand, p *Pool, f form, m, n, k int) {
	a, b := newMatrix(rng, m, k, f.a), newMatrix(rng, n, k, f.b)
	ar, br := a.rounded(), b.rounded()
	ldc := n + rng.IntN(4)
	before := random(rng, max(0, (m-1)*ldc+n))
	for _, accumulate := range []bool{false, true} {
		run := func(what string, a, b matrix, mul func(c []float32)) {
			t.Helper()
			c := append([]float32(nil), before...)
			mul(c)
			checkGemm(t, what, m, n, k, a, b, accumulate, before, c, ldc)
		}
		run("f32·f32", a, b, func(c []float32) { multiply(f, p, m, n, k, a.x, a.ld, b.x, b.ld, accumulate, c, ldc) })
		run("f32·bf16", a, br, func(c []float32) { multiply(f, p, m, n, k, a.x, a.ld, b.half, b.ld, accumulate, c, ldc) })
		run("bf16·f32", ar, b, func(c []float32) { multiply(f, p, m, n, k, a.half, a.ld, b.x, b.ld, accumulate, c, ldc) })
		run("bf16·bf16", ar, br, func(c []float32) { multiply(f, p, m, n, k, a.half, a.ld, b.half, b.ld, accumulate, c, ldc) })
	}
}

// checkGemm compares c with the product in float64, and finds what was written
// between its rows.
func checkGemm(t *testing.T, what string, m, n, k int, a, b matrix, accumulate bool, before, c []float32, ldc int) {
	t.Helper()
	for i := range c {
		r, j := i/ldc, i%ldc
		if j >= n {
			if c[i] != before[i] {
				t.Fatalf("%s: wrote between rows of c", what)
			}
			continue
		}
		var want, size float64
		if accumulate {
			want = float64(before[i])
			size = math.Abs(want)
		}
		for l := range k {
			want += a.at(r, l) * b.at(j, l)
			size += math.Abs(a.at(r, l) * b.at(j, l))
		}
		if bound := size * float64(k+2) * 0x1p-24; !(math.Abs(float64(c[i])-want) <= bound) {
			t.Fatalf("%s: c[%d,%d] = %v, want %v within %v", what, r, j, c[i], want, bound)
		}
	}
}

// A row's bits must not depend on the rows and columns around it, nor on threads.
func TestGemmBitsDependOnNothingAround(t *testing.T) {
	everyTiling(t, func(t *testing.T) {
		rng := newRand(2)
		one, two := NewPool(1), NewPool(2)
		defer one.Close()
		defer two.Close()
		const m, n, k = 250, 203, 700 // enough rows to share B
		for _, f := range forms {
			a, b := newMatrix(rng, m, k, f.a), newMatrix(rng, n, k, f.b)
			for _, half := range []bool{false, true} {
				mul := func(p *Pool, i0, i1, j0, j1 int, c []float32) {
					ai, bj := i0, j0
					if f.a {
						ai *= a.ld
					}
					if f.b {
						bj *= b.ld
					}
					if half {
						multiply(f, p, i1-i0, j1-j0, k, a.half[ai:], a.ld, b.half[bj:], b.ld, false, c, n)
					} else {
						multiply(f, p, i1-i0, j1-j0, k, a.x[ai:], a.ld, b.x[bj:], b.ld, false, c, n)
					}
				}
				whole, cut := make([]float32, m*n), make([]float32, m*n)
				mul(one, 0, m, 0, n, whole)
				mul(two, 0, m, 0, n, cut)
				sameBits(t, f.name+" on two threads", cut, whole)
				for i0 := 0; i0 < m; {
					i1 := min(m, i0+1+rng.IntN(40))
					for j0 := 0; j0 < n; {
						j1 := min(n, j0+1+rng.IntN(90))
						mul(two, i0, i1, j0, j1, cut[i0*n+j0:])
						j0 = j1
					}
					i0 = i1
				}
				sameBits(t, f.name+" cut", cut, whole)
			}
		}
	})
}

func TestGemmCarriesNaNAndInfinity(t *testing.T) {
	everyTiling(t, func(t *testing.T) {
		inf, nan := float32(math.Inf(1)), float32(math.NaN())
		a := []float32{1, 2, inf, 1, nan, 0} // rows (1,2), (∞,1), (NaN,0)
		b := []float32{1, 0, 0, 3}           // rows (1,0), (0,3)
		c := make([]float32, 6)
		GemmNT(nil, 3, 2, 2, a, 2, b, 2, false, c, 2)
		near(t, "c", c, []float64{1, 6, math.Inf(1), math.NaN(), math.NaN(), math.NaN()}, 0)
	})
}

func TestGemmRefusesShortSlices(t *testing.T) {
	x := make([]float32, 8)
	mustPanic(t, "a too short", func() { GemmNN(nil, 3, 1, 3, x, 3, x, 1, false, x, 1) })
	mustPanic(t, "c too short", func() { GemmNN(nil, 3, 3, 1, x, 1, x, 3, false, x, 3) })
	mustPanic(t, "ld below columns", func() { GemmNN(nil, 2, 2, 2, x, 1, x, 2, false, x, 2) })
}

func TestFillRows(t *testing.T) {
	c := []float32{9, 9, 9, 9, 9, 9, 9}
	FillRows(nil, 2, 2, []float32{1, 2}, c, 3)
	near(t, "c", c, []float64{1, 2, 9, 1, 2, 9, 9}, 0)
	FillRows(nil, 0, 2, []float32{1, 2}, nil, 3)
}
