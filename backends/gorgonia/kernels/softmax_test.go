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

// logSumExp returns the largest element's index and the log of the sum of exponentials in float64.
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

func TestLogProbRowsAndItsGradient(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(9), NewPool(3)
		defer p.Close()
		for _, n := range []int{1, 2, 17, 1000, 4099} {
			const rows = 7
			ld := n + 2
			x, weight := random(rng, rows*ld), random(rng, rows)
			for i := range x {
				x[i] *= 8
			}
			targets := make([]int32, rows)
			want, total, top := make([]float64, rows), make([]float64, rows), make([]int, rows)
			grad := make([]float64, len(x))
			for i := range rows {
				targets[i] = int32(rng.IntN(n))
				row := x[i*ld : i*ld+n]
				top[i], total[i] = logSumExp(row)
				want[i] = float64(row[targets[i]]) - total[i]
				for j := range ld {
					grad[i*ld+j] = float64(x[i*ld+j])
					if j < n {
						grad[i*ld+j] = -float64(weight[i]) * math.Exp(float64(row[j])-total[i])
					}
				}
				grad[i*ld+int(targets[i])] += float64(weight[i])
			}
			logp, lse, argmax := make([]float64, rows), make([]float32, rows), make([]int32, rows)
			LogProbRows(p, rows, n, x, ld, targets, logp, lse, argmax)
			for i := range rows {
				if math.Abs(logp[i]-want[i]) > 1e-5 || int(argmax[i]) != top[i] {
					t.Fatalf("n %d: log-prob %v and argmax %d, want %v and %d", n, logp[i], argmax[i], want[i], top[i])
				}
			}
			near(t, "lse", lse, total, 1e-5)
			LogProbRows(p, rows, n, x, ld, targets, logp, nil, nil)
			LogProbRowsBackward(p, rows, n, x, ld, targets, weight, lse)
			near(t, "gradient", x, grad, 1e-5)
		}
	})
}

func TestArgmaxIsTheFirstOfEquals(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		x := make([]float32, 5000)
		x[3100], x[3101], x[4999] = 2, 2, 2
		argmax, logp := make([]int32, 1), make([]float64, 1)
		LogProbRows(nil, 1, len(x), x, len(x), []int32{0}, logp, nil, argmax)
		if argmax[0] != 3100 {
			t.Errorf("argmax %d, want 3100", argmax[0])
		}
	})
}

func TestLogProbOfNaNIsNaN(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
			x := make([]float32, 100)
			x[77] = bad
			argmax, logp := make([]int32, 1), make([]float64, 1)
			LogProbRows(nil, 1, 100, x, 100, []int32{3}, logp, nil, argmax)
			if !math.IsNaN(logp[0]) {
				t.Errorf("log-prob beside a logit of %v is %v", bad, logp[0])
			}
		}
	})
}
