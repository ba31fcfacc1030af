package gorgonia

import (
	"fmt"
	"maps"
	"runtime/debug"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/cputime"
	"github.com/stepwise-dpo/stepwise/core"
)

// costModels are Llamas by their number of parameters.
var costModels = []struct {
	name                                            string
	hidden, layers, heads, kvHeads, ffn, vocabulary int
}{
	{"1M", 128, 4, 4, 2, 352, 2048},
	{"15M", 288, 6, 6, 6, 768, 32000},
	{"135M", 576, 30, 9, 3, 1536, 49152},
	{"350M", 960, 32, 15, 5, 2560, 49152},
}

// BenchmarkCost is the cost of a token by size of model and length of sequence, all
// tokens scored: the log-probabilities, and forward and backward. What the forecast
// says does not fit the memory is skipped. compare/plot draws it.
func BenchmarkCost(b *testing.B) {
	for _, s := range costModels {
		dir := b.TempDir()
		config := maps.Clone(backendtest.Small)
		maps.Copy(config, map[string]any{
			"vocab_size": s.vocabulary, "hidden_size": s.hidden, "intermediate_size": s.ffn, "num_hidden_layers": s.layers,
			"num_attention_heads": s.heads, "num_key_value_heads": s.kvHeads, "max_position_embeddings": 4096,
		})
		backendtest.WriteModel(b, dir, config, 0)
		for _, length := range []int{128, 256, 512, 1024, 2048, 4096} {
			n := max(1, 1024/length)
			items := backendtest.DenseItems(n, length, s.vocabulary)
			b.Run(fmt.Sprintf("score/%s/%d", s.name, length), func(b *testing.B) { benchmarkCost(b, dir, items, n*length, false) })
			b.Run(fmt.Sprintf("train/%s/%d", s.name, length), func(b *testing.B) {
				skipTooLarge(b, dir, n, length)
				benchmarkCost(b, dir, items, n*length, true)
			})
		}
	}
}

func benchmarkCost(b *testing.B, dir string, items []core.Item, tokens int, train bool) {
	debug.FreeOSMemory() // of the model before
	m := open(b, dir, core.OpenOptions{Train: train})
	run := func() {
		if train {
			accumulate(b, m, items, backendtest.DPOWeights)
		} else {
			logProbs(b, m, items)
		}
	}
	run()
	cpu := cputime.Seconds()
	for b.Loop() {
		run()
	}
	b.ReportMetric((cputime.Seconds()-cpu)*1e6/float64(b.N*tokens), "cpu-µs/token")
}

func skipTooLarge(b *testing.B, dir string, n, length int) {
	debug.FreeOSMemory()
	w := core.Workload{MicroBatch: make([]core.ItemShape, n)}
	for i := range w.MicroBatch {
		w.MicroBatch[i] = core.ItemShape{Prompt: 1, Completions: []int{length}}
	}
	f, err := Backend{}.Forecast(background, dir, core.OpenOptions{DType: "float32", Train: true}, w)
	if err != nil {
		b.Fatal(err)
	}
	if f.PeakBytes > f.AvailableBytes*2/3 { // the rest is for what else the machine does
		b.Skipf("forecast %d MB, available %d MB", f.PeakBytes>>20, f.AvailableBytes>>20)
	}
}
