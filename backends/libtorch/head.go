//go:build libtorch

package libtorch

import (
	"math"

	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// A head computes the log-probabilities of a batch's targets, and their gradient,
// from the scored rows x [rows, Hidden] after the final norm.
//
// log p = logit - max - log(sum of exp(logit - max)), the last steps in float64:
// torch's own log_softmax adds the exponentials up in float32 without blocks, which
// over 49,152 tokens makes each log-probability 6e-6 too high.
type head struct {
	*pass
	x    torch.Tensor
	kept torch.Tensor // exponentials of all rows [rows, VocabSize], or none

	sums   []float32 // of the exponentials, by scored row
	logp   []float64 // of each target
	argmax []int64   // of each scored row, where asked for
}

// chunk is how many rows have their logits in memory at a time. Where keep is set,
// exponentials that fit stay for the backward pass; else, and in scoring, they are
// made a chunk at a time and in training made twice.
func (h *head) chunk(keep bool) int {
	budget := h.budget
	if !keep {
		budget.Keep = 0
	}
	return budget.Rows(len(h.scored), h.arch.VocabSize)
}

// score fills sums and logp. Where keep is set, exponentials that fit stay in s.
func (h *head) score(s *torch.Scope, keep, greedy bool) {
	h.logp, h.sums = make([]float64, len(h.Targets)), make([]float32, len(h.scored))
	if greedy {
		h.argmax = make([]int64, len(h.scored))
	}
	step := h.chunk(keep)
	for lo := 0; lo < len(h.scored); lo += step {
		all := s.Within(func(s *torch.Scope) torch.Tensor { return h.read(s, lo, min(lo+step, len(h.scored))) })
		if keep && step == len(h.scored) {
			h.kept = all
		} else {
			s.Keep(all).Free()
		}
	}
}

// read takes what is wanted of rows lo:hi and returns their exponentials.
func (h *head) read(s *torch.Scope, lo, hi int) torch.Tensor {
	logits := h.logits(s, lo, hi)
	a, b := h.first[lo], h.first[hi]
	given, largest := make([]float32, b-a), make([]float32, hi-lo)
	torch.Floats(s.Rows(s.Reshape(logits, -1), h.places(s, lo, hi)), given)
	if h.argmax != nil {
		torch.Ints(s.ArgMax(logits), h.argmax[lo:hi])
	}
	torch.Floats(h.exponentiate(s, logits), largest)
	torch.Floats(s.Sum(logits), h.sums[lo:hi])
	for i := lo; i < hi; i++ {
		norm := float64(largest[i-lo]) + math.Log(float64(h.sums[i]))
		for j := h.first[i]; j < h.first[i+1]; j++ {
			h.logp[j] = float64(given[j-a]) - norm
		}
	}
	return logits
}

// logits returns the logits of rows lo:hi in float32.
func (h *head) logits(s *torch.Scope, lo, hi int) torch.Tensor {
	return s.Within(func(s *torch.Scope) torch.Tensor {
		return s.To(s.Linear(s.Narrow(h.x, 0, lo, hi-lo), h.head.used, torch.Tensor{}), h.device, torch.Float32)
	})
}

// exponentiate replaces logits by exp(logit - largest of the row) and returns the largest.
func (h *head) exponentiate(s *torch.Scope, logits torch.Tensor) torch.Tensor {
	largest := s.Max(logits)
	s.SubInPlace(logits, largest)
	s.ExpInPlace(logits)
	return largest
}

// places returns the index of each target of rows lo:hi among their logits.
func (h *head) places(s *torch.Scope, lo, hi int) torch.Tensor {
	var index []int64
	for i := lo; i < hi; i++ {
		for _, t := range h.Targets[h.first[i]:h.first[i+1]] {
			index = append(index, int64((i-lo)*h.arch.VocabSize)+int64(t.Token))
		}
	}
	return s.FromInts(h.device, index)
}

// backward returns the gradient of x, given each target's weight, and adds that of
// the head's weight.
func (h *head) backward(s *torch.Scope, weights []float32) torch.Tensor {
	step := h.chunk(true)
	var parts []torch.Tensor
	for lo := 0; lo < len(h.scored); lo += step {
		hi := min(lo+step, len(h.scored))
		parts = append(parts, s.Within(func(s *torch.Scope) torch.Tensor {
			all := h.kept
			if !all.Exists() {
				all = h.logits(s, lo, hi)
				h.exponentiate(s, all)
			}
			h.logitsGradient(s, all, weights, lo, hi)
			d := s.To(all, h.device, h.dtype)
			torch.AddProduct(h.head.value, d, s.Narrow(h.x, 0, lo, hi-lo))
			return s.MatMul(d, h.head.used)
		}))
	}
	return s.Cat(parts, 0)
}

// logitsGradient turns exponentials of rows lo:hi into the gradient of their
// logits, in place: for each target of a row, weight (onehot - softmax).
func (h *head) logitsGradient(s *torch.Scope, all torch.Tensor, weights []float32, lo, hi int) {
	share := make([]float32, hi-lo)
	for i := range share {
		for _, w := range weights[h.first[lo+i]:h.first[lo+i+1]] {
			share[i] -= w / h.sums[lo+i]
		}
	}
	s.MulInPlace(all, s.FromFloats(h.device, torch.Float32, share, hi-lo, 1))
	given := weights[h.first[lo]:h.first[hi]]
	s.AddAt(s.Reshape(all, -1), h.places(s, lo, hi), s.FromFloats(h.device, torch.Float32, given, len(given)))
}

// addTo adds what was computed of the batch's targets to the scores.
func (h *head) addTo(scores *prefix.Scores) {
	for i := range h.scored {
		for j := h.first[i]; j < h.first[i+1]; j++ {
			t := h.Targets[j]
			scores.Add(t, h.logp[j], h.argmax != nil && h.argmax[i] == int64(t.Token))
		}
	}
}
