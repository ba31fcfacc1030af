package bench

import (
	"math"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/record"
)

func TestRows(t *testing.T) {
	items := randomItems(3, 9, 100) // prompts of 4, completions of 5
	if got, want := sharedRows(items), (rows{3 * (4 + 4 + 4), 3 * (1 + 4 + 4)}); got != want {
		t.Errorf("shared %+v, want %+v", got, want)
	}
	if got, want := plainRows(items), (rows{3 * 2 * (4 + 4), 3 * 2 * 5}); got != want {
		t.Errorf("plain %+v, want %+v", got, want)
	}
}

// TestMFU counts the operations of a model of one layer by hand.
func TestMFU(t *testing.T) {
	for _, untied := range []bool{false, true} {
		raw, err := shape{hidden: 8, layers: 1, heads: 2, kvHeads: 1, ffn: 16, vocabulary: 32, untied: untied}.config("float32")
		if err != nil {
			t.Fatal(err)
		}
		arch, err := checkpoint.ParseArchitecture(raw)
		if err != nil {
			t.Fatal(err)
		}
		const block, head = 8*8 + 2*(4*8) + 8*8 + 3*(16*8), 32 * 8
		passed := rows{blocks: 10, head: 6}
		const forward = 2 * (10*block + 6*head)
		for work, want := range map[string]float64{scoring: forward, update: 3 * forward} {
			if got := passed.operations(arch, work); got != want {
				t.Errorf("%s, untied %v: %v operations, want %v", work, untied, got, want)
			}
		}
		r := &Report{Pairs: 1, Tokens: 6, PeakFLOPS: 4 * forward, arch: arch}
		r.add(&side{rows: passed, seconds: map[string][]float64{scoring: {9, .5, .1}, update: {1, 2}}})
		for i, want := range []result{
			{TokensPerSecond: 12 / .5, PairsPerSecond: 1 / .5, MFU: .5},
			{TokensPerSecond: 12 / 1.5, PairsPerSecond: 1 / 1.5, MFU: .5},
		} {
			got := r.Results[i]
			if !near(got.TokensPerSecond, want.TokensPerSecond) || !near(got.PairsPerSecond, want.PairsPerSecond) || !near(float64(got.MFU), float64(want.MFU)) {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		r = &Report{Pairs: 1, Tokens: 6, arch: arch}
		r.add(&side{rows: passed, seconds: map[string][]float64{scoring: {1}, update: {1}}})
		if mfu := r.Results[0].MFU; mfu == mfu {
			t.Errorf("MFU %v of an unknown peak", record.Number(mfu))
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }
