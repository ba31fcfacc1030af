package kernels

import (
	"math"
	"slices"
)

// blockV is the number of logits that are summed at a time. Sums of blocks are
// added in order, so it is part of a log-probability's bits.
const blockV = 1024

// LogProbRows reads logits [rows,n] of the language model head and sets for each
// row the natural log-probability of its target, the log of the sum of exponentials
// (for [LogProbRowsBackward]) and the index of the largest logit, the first of
// equals. lse and argmax may be nil.
func LogProbRows(p *Pool, rows, n int, logits []float32, ld int, targets []int32, logp []float64, lse []float32, argmax []int32) {
	check("logits", logits, rows, n, ld)
	checkLen("targets", targets, rows)
	checkLen("logp", logp, rows)
	p.For(rows, grainFor(rows, 4*n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := logits[i*ld : i*ld+n]
			total := newTally()
			for j := 0; j < n; j += blockV {
				total.add(tallyOf(row[j:min(j+blockV, n)], j, argmax != nil))
			}
			total.set(i, lse, argmax)
			logp[i] = float64(row[targets[i]]) - total.lse()
		}
	})
}

// LogProbHead is [GemmNT] of hidden states x [rows,k] and the head w [n,k] followed
// by [LogProbRows], to the bit, but the logits never exist as a whole. Row i has
// the targets first[i] to first[i+1] and logp is of every target: where completions
// part, a row has several. lse and argmax, by row, may be nil.
func LogProbHead[W Element](p *Pool, rows, n, k int, x []float32, ldx int, w []W, ldw int, first, targets []int32, logp []float64, lse []float32, argmax []int32) {
	check("x", x, rows, k, ldx)
	check("w", w, n, k, ldw)
	checkLen("first", first, rows+1)
	checkLen("targets", targets, int(first[rows]))
	checkLen("logp", logp, int(first[rows]))
	const most = 512 // rows at a time, so that a block of their logits stays in cache
	h := head{targets: targets, logp: logp, argmax: argmax != nil, tallies: make([]tally, min(rows, most)*((n+blockV-1)/blockV))}
	for at := 0; at < rows; at += most {
		h.rows = min(most, rows-at)
		h.first = first[at : at+h.rows+1]
		p.For(n, blockV, func(lo, hi int) {
			h.block(p, newProduct(k, operandOf(x[at*ldx:], ldx, true), operandOf(w[lo*ldw:], ldw, true), false, nil, 0), lo, hi-lo)
		})
		for i := range h.rows {
			total := newTally()
			for j := 0; j < n; j += blockV {
				total.add(h.tallies[j/blockV*h.rows+i])
			}
			total.set(at+i, lse, argmax)
			for j := h.first[i]; j < h.first[i+1]; j++ {
				logp[j] -= total.lse()
			}
		}
	}
}

// A head is some rows of [LogProbHead].
type head struct {
	rows    int
	first   []int32
	targets []int32
	logp    []float64 // the targets' logits, until the sums are known
	tallies []tally   // [blocks][rows]
	argmax  bool
}

// block computes and tallies the logits from lo on.
func (h *head) block(p *Pool, g product, lo, n int) {
	room, mul := p.scratch(), p.scratch()
	defer p.release(room, mul)
	g.ldc = blockV + 16 // the odd line keeps rows out of one another's cache sets
	g.c = room.take(h.rows * g.ldc)
	g.block(mul, 0, h.rows, 0, n)
	for i := range h.rows {
		row := g.c[i*g.ldc : i*g.ldc+n]
		h.tallies[lo/blockV*h.rows+i] = tallyOf(row, lo, h.argmax)
		for j := h.first[i]; j < h.first[i+1]; j++ {
			if t := int(h.targets[j]) - lo; t >= 0 && t < n {
				h.logp[j] = float64(row[t])
			}
		}
	}
}

// A tally is the largest of some logits and the sum of exponentials of their
// distances from it.
type tally struct {
	top float32
	at  int32 // index of the first largest, where asked for
	sum float64
}

func newTally() tally { return tally{top: float32(math.Inf(-1))} }

// tallyOf tallies logits, the first of which has the given index.
func tallyOf(x []float32, first int, argmax bool) tally {
	t := tally{top: active.max(x)}
	shift := t.top
	if math.IsInf(float64(shift), -1) {
		shift = 0 // all are -Inf or NaN
	}
	t.sum = float64(active.sumExp(x, 1, shift))
	if argmax {
		t.at = int32(first + max(0, slices.Index(x, t.top)))
	}
	return t
}

// add adds the tally of later logits.
func (t *tally) add(u tally) {
	switch {
	case u.top > t.top:
		t.sum = t.sum*math.Exp(float64(t.top)-float64(u.top)) + u.sum
		t.top, t.at = u.top, u.at
	case u.top == t.top:
		t.sum += u.sum
	default:
		t.sum += u.sum * math.Exp(float64(u.top)-float64(t.top))
	}
}

// lse is the log of the sum of exponentials.
func (t *tally) lse() float64 { return float64(t.top) + math.Log(t.sum) }

// set stores row i's results where they are asked for.
func (t *tally) set(i int, lse []float32, argmax []int32) {
	if lse != nil {
		lse[i] = float32(t.lse())
	}
	if argmax != nil {
		argmax[i] = t.at
	}
}

// LogProbRowsBackward replaces logits [rows,n] by the gradient of Σ
// weight[i]·logp[i]: weight·(onehot(target) - softmax). lse is what [LogProbRows]
// set.
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
