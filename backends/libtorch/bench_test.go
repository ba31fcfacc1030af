//go:build libtorch

package libtorch

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// denseItems makes sequences of random ids of which every token is scored and none
// shared, as PyTorch computes a batch.
func denseItems(n, length, vocabulary int) []core.Item {
	rng := rand.New(rand.NewPCG(1, 2))
	items := make([]core.Item, n)
	for i := range items {
		ids := make([]int32, length+1)
		for k := range ids {
			ids[k] = int32(rng.IntN(vocabulary))
		}
		items[i] = core.Item{Prompt: ids[:1], Completions: [][]int32{ids[1:]}}
	}
	return items
}

// dpoWeights are weights of the size that DPO's have.
func dpoWeights(scores [][]core.Score) ([][]float64, error) {
	weights := make([][]float64, len(scores))
	for i, s := range scores {
		for j := range s {
			weights[i] = append(weights[i], 0.05*float64(2*(i+j)%2-1)/float64(len(scores)))
		}
	}
	return weights, nil
}

// cpuSeconds returns the processor time of the process so far.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}

// measure times f once memory has settled, and reports processor time and tokens a second.
func measure(b *testing.B, tokens int, f func()) {
	f()
	f()
	cpu := cpuSeconds(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric((cpuSeconds(b)-cpu)/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(tokens*b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkStep is forward, backward, clipping and AdamW of SmolLM2-135M.
func BenchmarkStep(b *testing.B) {
	for name, o := range map[string]core.OpenOptions{
		"float32":       {Options: core.Options{"threads": 2}},
		"checkpointing": {Options: core.Options{"threads": 2, "checkpointing": true}},
		"bf16":          {DType: bf16, Options: core.Options{"threads": 2}},
	} {
		b.Run(name, func(b *testing.B) {
			o.Train = true
			m := open(b, testenv.SmolLM2(b), o)
			items := denseItems(4, 256, m.arch.VocabSize)
			u := core.Update{LearningRate: 1e-7, MaxGradNorm: 1, Optimizer: optimizers["adamw"]}
			measure(b, 4*256, func() {
				accumulate(b, m, items, dpoWeights)
				update(b, m, u)
			})
		})
	}
}

// BenchmarkScore is the log-probabilities of SmolLM2-135M.
func BenchmarkScore(b *testing.B) {
	m := open(b, testenv.SmolLM2(b), core.OpenOptions{Options: core.Options{"threads": 2}})
	items := denseItems(4, 256, m.arch.VocabSize)
	measure(b, 4*256, func() {
		if _, err := m.LogProbs(background, items, core.Detail{}); err != nil {
			b.Fatal(err)
		}
	})
}
