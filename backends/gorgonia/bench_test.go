package gorgonia

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/cputime"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// realPairs are the first preference pairs of $COMPARE_PAIRS, else of the shared data's scores; tokens
// counts prompts twice, as a program that shares nothing.
func realPairs(b *testing.B, n int) (items []core.Item, tokens int) {
	for _, p := range backendtest.ReadPairs(b, os.Getenv("COMPARE_PAIRS"))[:n] {
		items = append(items, p.Item())
		tokens += 2*len(p.Prompt) + len(p.Chosen) + len(p.Rejected)
	}
	return items, tokens
}

// rate reports what the processor did since cpu, and the peak of the process's memory
// where the system tells it.
func rate(b *testing.B, tokens int, cpu float64) {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		var kib float64
		if _, err := fmt.Sscan(rest, &kib); err == nil {
			b.ReportMetric(kib*1024/1e9, "peak-GB")
		}
	}
	b.ReportMetric((cputime.Seconds()-cpu)/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(tokens)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}

func benchmarkStep(b *testing.B, items []core.Item, tokens, micro int, o core.OpenOptions) {
	o.Train = true
	m := open(b, testenv.SmolLM2(b), o)
	u := core.Update{LearningRate: 1e-7, MaxGradNorm: 1, Optimizer: backendtest.Optimizers["adamw"]}
	step := func() {
		for batch := range slices.Chunk(items, micro) {
			accumulate(b, m, batch, backendtest.DPOWeights)
		}
		update(b, m, u)
	}
	step()
	b.ReportAllocs()
	cpu := cputime.Seconds()
	for b.Loop() {
		step()
	}
	rate(b, tokens, cpu)
}

// BenchmarkStep is forward, backward and AdamW of SmolLM2-135M.
func BenchmarkStep(b *testing.B) {
	for name, o := range map[string]core.OpenOptions{
		"4x256": {}, "4x256-bf16": {DType: "bf16"}, "4x256-recompute": {Options: core.Options{"recompute": true}},
	} {
		b.Run(name, func(b *testing.B) { benchmarkStep(b, backendtest.DenseItems(4, 256, 49152), 1024, 4, o) })
	}
	for _, micro := range []int{1, 2, 4} {
		b.Run(fmt.Sprint("pairs-", micro), func(b *testing.B) {
			items, tokens := realPairs(b, pairsAStep)
			benchmarkStep(b, items, tokens, micro, core.OpenOptions{})
		})
	}
}

// pairsAStep is the number of real pairs in an update, and of those scored.
const pairsAStep = 4

func benchmarkScore(b *testing.B, items []core.Item, tokens int, dtype string) {
	m := open(b, testenv.SmolLM2(b), core.OpenOptions{DType: dtype})
	logProbs(b, m, items)
	b.ReportAllocs()
	cpu := cputime.Seconds()
	for b.Loop() {
		logProbs(b, m, items)
	}
	rate(b, tokens, cpu)
}

// BenchmarkScore is the log-probabilities of SmolLM2-135M.
func BenchmarkScore(b *testing.B) {
	for _, dtype := range []string{"float32", "bf16"} {
		b.Run("4x256/"+dtype, func(b *testing.B) { benchmarkScore(b, backendtest.DenseItems(4, 256, 49152), 1024, dtype) })
		b.Run("pairs/"+dtype, func(b *testing.B) {
			items, tokens := realPairs(b, pairsAStep)
			benchmarkScore(b, items, tokens, dtype)
		})
	}
}

// questions makes multiple-choice questions behind a common preamble of 400
// tokens: 60 tokens each and four completions of letters or of a few tokens.
func questions(n, completion int) (items []core.Item, tokens int) {
	rng := rand.New(rand.NewPCG(5, 6))
	random := func(n int) []int32 {
		ids := make([]int32, n)
		for i := range ids {
			ids[i] = int32(rng.IntN(49152))
		}
		return ids
	}
	preamble := random(400)
	for range n {
		item := core.Item{Prompt: append(slices.Clone(preamble), random(60)...)}
		for range 4 {
			item.Completions = append(item.Completions, random(completion))
			tokens += 460 + completion
		}
		items = append(items, item)
	}
	return items, tokens
}

// BenchmarkQuestions counts tokens as a program that shares nothing.
func BenchmarkQuestions(b *testing.B) {
	for _, completion := range []int{1, 8} {
		b.Run(fmt.Sprint(completion), func(b *testing.B) {
			items, tokens := questions(40, completion)
			benchmarkScore(b, items, tokens, "float32")
		})
	}
}
