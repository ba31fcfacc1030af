//go:build libtorch

package libtorch

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/cputime"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// measure times f once memory has settled, and reports processor time and tokens a second.
func measure(b *testing.B, tokens int, f func()) {
	f()
	f()
	cpu := cputime.Seconds()
	for b.Loop() {
		f()
	}
	b.ReportMetric((cputime.Seconds()-cpu)/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(tokens*b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkStep is forward, backward, clipping and AdamW of SmolLM2-135M.
func BenchmarkStep(b *testing.B) {
	for name, o := range map[string]core.OpenOptions{
		"float32":       {Options: core.Options{"threads": 2}},
		"checkpointing": {Options: core.Options{"threads": 2, "checkpointing": true}},
		"bf16":          {DType: settings.BF16, Options: core.Options{"threads": 2}},
	} {
		b.Run(name, func(b *testing.B) {
			o.Train = true
			m := open(b, testenv.SmolLM2(b), o)
			items := backendtest.DenseItems(4, 256, m.arch.VocabSize)
			u := core.Update{LearningRate: 1e-7, MaxGradNorm: 1, Optimizer: backendtest.Optimizers["adamw"]}
			measure(b, 4*256, func() {
				accumulate(b, m, items, backendtest.DPOWeights)
				update(b, m, u)
			})
		})
	}
}

// BenchmarkScore is the log-probabilities of SmolLM2-135M.
func BenchmarkScore(b *testing.B) {
	m := open(b, testenv.SmolLM2(b), core.OpenOptions{Options: core.Options{"threads": 2}})
	items := backendtest.DenseItems(4, 256, m.arch.VocabSize)
	measure(b, 4*256, func() {
		if _, err := m.LogProbs(background, items, core.Detail{}); err != nil {
			b.Fatal(err)
		}
	})
}
