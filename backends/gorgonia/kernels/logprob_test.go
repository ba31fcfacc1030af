package kernels

import (
	"math"
	"testing"
)

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

// The fused head must give what the two steps give, to the bit.
func TestLogProbHeadIsGemmThenLogProbRows(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		rng, p := newRand(16), NewPool(3)
		defer p.Close()
		for _, s := range [][3]int{{1, 5, 3}, {7, 1023, 33}, {3, 1025, 64}, {530, 2100, 20}} {
			rows, n, k := s[0], s[1], s[2]
			x, w := newMatrix(rng, rows, k, true), newMatrix(rng, n, k, true)
			first, targets := []int32{0}, []int32(nil)
			for range rows { // 0 to 2 targets a row
				for range rng.IntN(3) {
					targets = append(targets, int32(rng.IntN(n)))
				}
				first = append(first, int32(len(targets)))
			}
			logits, one := make([]float32, rows*n), make([]float64, rows)
			lse, argmax, lse2, argmax2 := make([]float32, rows), make([]int32, rows), make([]float32, rows), make([]int32, rows)
			logp := make([]float64, len(targets))
			for _, half := range []bool{false, true} {
				if half {
					GemmNT(p, rows, n, k, x.x, x.ld, w.half, w.ld, false, logits, n)
					LogProbHead(p, rows, n, k, x.x, x.ld, w.half, w.ld, first, targets, logp, lse2, argmax2)
				} else {
					GemmNT(p, rows, n, k, x.x, x.ld, w.x, w.ld, false, logits, n)
					LogProbHead(p, rows, n, k, x.x, x.ld, w.x, w.ld, first, targets, logp, lse2, argmax2)
				}
				LogProbRows(p, rows, n, logits, n, make([]int32, rows), one, lse, argmax)
				sameBits(t, "lse", lse2, lse)
				for i := range rows {
					for j := first[i]; j < first[i+1]; j++ {
						LogProbRows(p, 1, n, logits[i*n:], n, targets[j:j+1], one, nil, nil)
						if logp[j] != one[0] {
							t.Fatalf("row %d: log-prob %v, want %v", i, logp[j], one[0])
						}
					}
					if argmax2[i] != argmax[i] {
						t.Fatalf("row %d: argmax %d, want %d", i, argmax2[i], argmax[i])
					}
				}
			}
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
