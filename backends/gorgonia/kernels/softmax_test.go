package kernels

import (
	"math"
	"testing"
)

// ulps is the distance of got from want in units in the last place of float32.
func ulps(got float32, want float64) float64 {
	w := float32(want)
	unit := float64(math.Nextafter32(float32(math.Abs(float64(w))), float32(math.Inf(1)))) - math.Abs(float64(w))
	return math.Abs(float64(got)-want) / unit
}

func TestExpOverAllOfFloat32(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		var x []float32
		for v := float32(-110); v < 92; v += 0.00137 {
			x = append(x, v)
		}
		for bits := uint32(0); bits < 1<<31; bits += 99991 { // all exponents, both signs
			x = append(x, math.Float32frombits(bits), -math.Float32frombits(bits))
		}
		x = append(x, special...)
		got := make([]float32, len(x))
		Exp(nil, got, x)
		for i, v := range x {
			want := math.Exp(float64(v))
			switch rounded := float32(want); {
			case want != want:
				if got[i] == got[i] {
					t.Fatalf("exp(NaN) = %v", got[i])
				}
			case math.IsInf(float64(rounded), 1) || rounded == 0:
				if math.Abs(float64(got[i])-float64(rounded)) > math.SmallestNonzeroFloat32 {
					t.Fatalf("exp(%v) = %v, want %v", v, got[i], rounded)
				}
			case ulps(got[i], want) > 2:
				t.Fatalf("exp(%v) = %v, want %v", v, got[i], rounded)
			}
		}
	})
}

func TestSoftmaxRows(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(8), NewPool(3)
		defer p.Close()
		for _, n := range []int{1, 2, 15, 16, 17, 33, 64, 65, 257, 1000} {
			const rows = 5
			ld := n + 3
			x := random(rng, rows*ld)
			x[0], x[ld] = 300, -300
			want := make([]float64, len(x))
			for i := range rows {
				_, sum := logSumExp(x[i*ld : i*ld+n])
				for j := range ld {
					want[i*ld+j] = float64(x[i*ld+j])
					if j < n {
						want[i*ld+j] = math.Exp(float64(x[i*ld+j]) - sum)
					}
				}
			}
			SoftmaxRows(p, rows, n, x, ld)
			near(t, "softmax", x, want, 1e-6)
		}
	})
}

// logSumExp returns the largest element's index and the log of the sum of
// exponentials in float64.
func logSumExp(x []float32) (argmax int, lse float64) {
	for i, v := range x {
		if v > x[argmax] {
			argmax = i
		}
	}
	for _, v := range x {
		lse += math.Exp(float64(v) - float64(x[argmax]))
	}
	return argmax, float64(x[argmax]) + math.Log(lse)
}
