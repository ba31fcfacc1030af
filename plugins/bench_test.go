//go:build unix

package plugins

import (
	"context"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// idleBackend opens models that compute nothing: what is left is the wire.
type idleBackend struct{ coretest.Backend }

func (idleBackend) Open(context.Context, string, core.OpenOptions) (core.Model, error) {
	return idleModel{}, nil
}

type idleModel struct{ core.Model }

func (idleModel) LogProbs(_ context.Context, items []core.Item, _ core.Detail) ([][]core.Score, error) {
	scores := make([][]core.Score, len(items))
	for i, item := range items {
		scores[i] = make([]core.Score, len(item.Completions))
	}
	return scores, nil
}

func (m idleModel) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	scores, err := m.LogProbs(ctx, items, core.Detail{})
	if err != nil {
		return err
	}
	_, err = grad(scores)
	return err
}

func (idleModel) Close() error { return nil }

// pairsOf returns n pairs of 300 + 2 x 200 tokens.
func pairsOf(n int) []core.Item {
	items := make([]core.Item, n)
	for i := range items {
		items[i] = core.Item{Prompt: make([]int32, 300), Completions: [][]int32{make([]int32, 200), make([]int32, 200)}}
		for j := range items[i].Prompt {
			items[i].Prompt[j] = int32(20000 + j)
		}
	}
	return items
}

func idle(b *testing.B) core.Model {
	m, err := testManager().OpenBackend(b.Context(), "idle")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	model, err := m.Open(b.Context(), "anywhere", core.OpenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return model
}

// What a process boundary costs a scoring pass over 1,000 pairs.
func BenchmarkLogProbs(b *testing.B) {
	model, items := idle(b), pairsOf(1000)
	for b.Loop() {
		if _, err := model.LogProbs(b.Context(), items, core.Detail{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(700*len(items)*b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// What it costs an update's micro-batch of 8 pairs.
func BenchmarkAccumulate(b *testing.B) {
	model, items := idle(b), pairsOf(8)
	for b.Loop() {
		if err := model.Accumulate(b.Context(), items, zeroWeights); err != nil {
			b.Fatal(err)
		}
	}
}

func zeroWeights(scores [][]core.Score) ([][]float64, error) {
	weights := make([][]float64, len(scores))
	for i := range scores {
		weights[i] = make([]float64, len(scores[i]))
	}
	return weights, nil
}

// What a plugin's start and end cost.
func BenchmarkOpenAndClose(b *testing.B) {
	for b.Loop() {
		p, err := testManager().OpenPartitioner(b.Context(), "by-gamma", nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
