package gorgonia

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

func TestForecastMemory(t *testing.T) {
	options := func(recompute bool) core.OpenOptions {
		return core.OpenOptions{DType: settings.Float32, Options: core.Options{"recompute": recompute, "threads": 2}}
	}
	backendtest.CheckForecast(t, New(), .15, options(false), options(true))
}

// In either arithmetic the pace follows from the products' rate: a token takes at
// least six operations a weight of the blocks, so the one bounds the other.
func TestForecastRate(t *testing.T) {
	dir := t.TempDir()
	backendtest.WriteModel(t, dir, backendtest.Small, 0)
	a, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		t.Fatal(err)
	}
	blocks := a.Size() - a.Embedding.Size()
	for _, dtype := range []string{settings.Float32, settings.BF16} {
		f, err := Backend{}.Forecast(background, dir, core.OpenOptions{DType: dtype, Train: true, Options: core.Options{"threads": 1}},
			core.Workload{MicroBatch: []core.ItemShape{{Prompt: 1, Completions: []int{100}}}})
		if err != nil {
			t.Fatal(err)
		}
		most := f.PeakFLOPS / float64(6*blocks) * 101 / 100 // the last token is not fed
		if !(f.TokensPerSecond > 0 && f.TokensPerSecond < most) || f.Recompute {
			t.Errorf("%s: forecast %+v; want a pace below %.0f tokens/s", dtype, f, most)
		}
	}
}
