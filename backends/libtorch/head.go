//go:build libtorch

package libtorch

import "github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"

// Memory of the head's log-probabilities of all tokens, in floats. In training they
// are kept for the backward pass as long as they fit keepLogits; else, and in
// scoring, they are made chunkLogits at a time and in training made twice.
const (
	keepLogits  = 128 << 20
	chunkLogits = 16 << 20
)

// A head computes the log-probabilities of a batch's targets, and their gradient,
// from the scored rows x [rows, Hidden] after the final norm.
type head struct {
	*pass
	x    torch.Tensor
	kept torch.Tensor // log-probabilities [rows, VocabSize] of all rows, or none

	logp   []float32 // of each target
	argmax []int64   // of each scored row, where asked for
}

// chunk is how many rows have all their log-probabilities in memory at a time.
func (h *head) chunk(keep bool) int {
	rows := len(h.scored)
	if keep && rows*h.arch.VocabSize <= h.keepLogits {
		return rows
	}
	return min(rows, max(1, h.chunkLogits/h.arch.VocabSize))
}

// score fills logp. Where keep is set, log-probabilities that fit stay in s.
func (h *head) score(s *torch.Scope, keep, greedy bool) {
	h.logp = make([]float32, len(h.targets))
	if greedy {
		h.argmax = make([]int64, len(h.scored))
	}
	step := h.chunk(keep)
	for lo := 0; lo < len(h.scored); lo += step {
		hi := min(lo+step, len(h.scored))
		if keep && step == len(h.scored) {
			h.kept = h.logSoftmax(s, lo, hi)
			h.read(h.kept, lo, hi)
			return
		}
		var inner torch.Scope
		h.read(h.logSoftmax(&inner, lo, hi), lo, hi)
		inner.Free()
	}
}

// logSoftmax returns the log-probabilities of all tokens after rows lo:hi.
func (h *head) logSoftmax(s *torch.Scope, lo, hi int) torch.Tensor {
	return s.Within(func(s *torch.Scope) torch.Tensor {
		return s.LogSoftmax(s.Linear(s.Narrow(h.x, 0, lo, hi-lo), h.head.used, torch.Tensor{}))
	})
}

// read takes the targets' log-probabilities, and the most probable tokens.
func (h *head) read(all torch.Tensor, lo, hi int) {
	var s torch.Scope
	defer s.Free()
	a, b := h.first[lo], h.first[hi]
	torch.Floats(s.Rows(s.Reshape(all, -1), h.places(&s, lo, hi)), h.logp[a:b])
	if h.argmax != nil {
		torch.Ints(s.ArgMax(all), h.argmax[lo:hi])
	}
}

// places returns the index of each target of rows lo:hi among their log-probabilities.
func (h *head) places(s *torch.Scope, lo, hi int) torch.Tensor {
	var index []int64
	for i := lo; i < hi; i++ {
		for _, t := range h.targets[h.first[i]:h.first[i+1]] {
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
				all = h.logSoftmax(s, lo, hi)
			}
			d := s.To(h.logitsGradient(s, all, weights, lo, hi), h.device, h.dtype)
			torch.AddProduct(h.head.value, d, s.Narrow(h.x, 0, lo, hi-lo))
			return s.MatMul(d, h.head.used)
		}))
	}
	return s.Cat(parts, 0)
}

// logitsGradient turns log-probabilities of rows lo:hi into the gradient of their
// logits, in place: for each target of a row, weight (onehot - softmax).
func (h *head) logitsGradient(s *torch.Scope, all torch.Tensor, weights []float32, lo, hi int) torch.Tensor {
	total := make([]float32, hi-lo)
	for i := range total {
		for _, w := range weights[h.first[lo+i]:h.first[lo+i+1]] {
			total[i] -= w
		}
	}
	s.ExpInPlace(all)
	s.MulInPlace(all, s.FromFloats(h.device, torch.Float32, total, hi-lo, 1))
	given := weights[h.first[lo]:h.first[hi]]
	s.AddAt(s.Reshape(all, -1), h.places(s, lo, hi), s.FromFloats(h.device, torch.Float32, given, len(given)))
	return all
}
