package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// everyISA runs f as a subtest with each instruction set that this processor has, but
// for those that only add a product of bfloat16.
func everyISA(t *testing.T, f func(t *testing.T)) {
	withEach(t, slices.DeleteFunc(available(), func(s *isa) bool { return s.dots != nil && s.dots.unit > 0 }), f)
}

// everyTiling runs f with all of them.
func everyTiling(t *testing.T, f func(t *testing.T)) { withEach(t, available(), f) }

func withEach(t *testing.T, sets []*isa, f func(t *testing.T)) {
	best := active
	for _, set := range sets {
		t.Run(set.name, func(t *testing.T) {
			active = set
			defer func() { active = best }()
			f(t)
		})
	}
}

// random returns n normal numbers that begin at any alignment.
func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n+15)[rng.IntN(16):][:n]
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// near fails unless |got-want| <= tolerance everywhere, and both are NaN or the
// same infinity where one is.
func near(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	for i, w := range want {
		g := float64(got[i])
		same := g == w || math.IsNaN(g) && math.IsNaN(w)
		if !same && !(math.Abs(g-w) <= tolerance) {
			t.Fatalf("%s[%d] = %v, want %v within %v", what, i, g, w, tolerance)
		}
	}
}

// sameBits fails unless x and y are equal bit for bit.
func sameBits(t *testing.T, what string, x, y []float32) {
	t.Helper()
	for i := range x {
		if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
			t.Fatalf("%s[%d]: %v and %v differ", what, i, x[i], y[i])
		}
	}
}

// mustPanic fails unless f panics.
func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}

func shape(m, n, k int) string { return fmt.Sprintf("%dx%dx%d", m, n, k) }
