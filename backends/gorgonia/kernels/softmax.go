package kernels

import (
	"math"
	"slices"
)

// Exp sets dst[i] = e^x[i], within 2 units in the last place. dst may be x.
func Exp(p *Pool, dst, x []float32) {
	checkLen("dst", dst, len(x))
	p.For(len(x), chunk, func(lo, hi int) { active.expSum(dst[lo:hi], x[lo:hi], 1, 0) })
}

// SoftmaxRows replaces each row of x [rows,n] by its softmax.
func SoftmaxRows(p *Pool, rows, n int, x []float32, ldx int) {
	check("x", x, rows, n, ldx)
	p.For(rows, grainFor(rows, 4*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := x[i*ldx : i*ldx+n]
			sum := active.expSum(row, row, 1, active.max(row))
			active.scale(1/sum, row)
		}
	})
}

// LogProbRows reads logits [rows,n] of the language model head and sets for each row the
// natural log-probability of its target, the log of the sum of exponentials (which
// [LogProbRowsBackward] needs) and the index of the largest logit, the first of
// equals. lse and argmax may be nil.
func LogProbRows(p *Pool, rows, n int, logits []float32, ld int, targets []int32, logp []float64, lse []float32, argmax []int32) {
	check("logits", logits, rows, n, ld)
	checkLen("targets", targets, rows)
	checkLen("logp", logp, rows)
	p.For(rows, grainFor(rows, 4*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := logits[i*ld : i*ld+n]
			top := active.max(row)
			total := float64(top) + math.Log(float64(active.sumExp(row, 1, top)))
			logp[i] = float64(row[targets[i]]) - total
			if lse != nil {
				lse[i] = float32(total)
			}
			if argmax != nil {
				argmax[i] = int32(indexOf(row, top))
			}
		}
	})
}

// indexOf returns the first index of x's largest element v, or 0 where all are NaN.
func indexOf(x []float32, v float32) int {
	const some = 1024 // whose maximum is found sooner than an element
	for lo := 0; lo < len(x); lo += some {
		part := x[lo:min(lo+some, len(x))]
		if active.max(part) != v {
			continue
		}
		if i := slices.Index(part, v); i >= 0 {
			return lo + i
		}
	}
	return 0
}

// LogProbRowsBackward replaces logits [rows,n] by the gradient of
// Σ weight[i]·logp[i]: weight·(onehot(target) - softmax). lse is what [LogProbRows] set.
func LogProbRowsBackward(p *Pool, rows, n int, logits []float32, ld int, targets []int32, weight, lse []float32) {
	check("logits", logits, rows, n, ld)
	checkLen("targets", targets, rows)
	checkLen("weight", weight, rows)
	checkLen("lse", lse, rows)
	p.For(rows, grainFor(rows, 4*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := logits[i*ld : i*ld+n]
			active.expSum(row, row, 1, lse[i])
			active.scale(-weight[i], row)
			row[targets[i]] += weight[i]
		}
	})
}
