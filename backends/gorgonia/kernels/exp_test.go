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

// The exponential is within 2 units in the last place.
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
		active.expSum(got, x, 1, 0)
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
