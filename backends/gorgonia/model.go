package gorgonia

import (
	"context"
	"fmt"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
	"github.com/stepwise-dpo/stepwise/backends/internal/rotary"
	"github.com/stepwise-dpo/stepwise/backends/internal/training"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

// scoringRows is the number of tokens scored in one run of the graph: enough for
// the matrix products to be at full speed. It changes no result.
const scoringRows = 1024

// A Model is a language model in memory.
type Model struct {
	arch    *checkpoint.Architecture
	options options
	weights *weights
	pool    *kernels.Pool

	arena    arena
	batch    batch
	rotary   rotary.Table
	scoring  *network // made when first needed, as is training
	training *network

	rows      int // scoringRows
	trainable bool
	optimizer training.State
}

var _ core.Model = (*Model)(nil)

// LogProbs scores all items as one forest, in batches of its rows.
func (m *Model) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	f, err := m.rotary.Plan(m.arch, items)
	if err != nil {
		return nil, err
	}
	if m.scoring == nil {
		if m.scoring, err = newNetwork(m); err != nil {
			return nil, err
		}
	}
	scores := prefix.NewScores(items, d)
	m.batch.length = f.Length()
	for row := 0; row < f.Rows; {
		m.batch.take(f, &m.rotary, row, m.rows)
		m.arena.reserve(m.batch.most())
		if err := m.scoring.run(ctx); err != nil {
			return nil, err
		}
		m.batch.addTo(scores)
		row += len(m.batch.Tokens)
		core.ReporterFrom(ctx).Progress("score", row, f.Rows)
	}
	return scores.Items, nil
}

// Accumulate runs the items' forest forward and backward in one batch.
func (m *Model) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	if !m.trainable {
		return fmt.Errorf("accumulate: %w", training.ErrScoring)
	}
	f, err := m.rotary.Plan(m.arch, items)
	if err != nil {
		return err
	}
	if m.training == nil {
		if m.training, err = newTraining(m); err != nil {
			return err
		}
	}
	if f.Rows == 0 {
		return nil
	}
	m.batch.length = f.Length()
	m.batch.take(f, &m.rotary, 0, f.Rows)
	m.arena.reserve(m.batch.most())
	weighed := false
	m.batch.weigh = func(logp, weights []float64) error {
		err := m.weigh(items, grad, weights)
		weighed = err == nil
		return err
	}
	err = m.training.run(ctx)
	if err != nil && weighed {
		// Some layers have their gradient and some have not.
		m.clearGradient()
		return fmt.Errorf("the accumulated gradient is incomplete and was dropped: %w", err)
	}
	return err
}

// weigh asks grad for the weight of each completion and gives it to each of the
// completion's targets.
func (m *Model) weigh(items []core.Item, grad core.GradFunc, weights []float64) error {
	scores := prefix.NewScores(items, core.Detail{})
	m.batch.addTo(scores)
	given, err := grad.Weights(scores.Items)
	if err != nil {
		return err
	}
	for i, t := range m.batch.Targets {
		weights[i] = given[t.Completion]
	}
	return nil
}

func (m *Model) clearGradient() {
	for _, w := range m.weights.all() {
		w.stale = true
	}
}

// Close ends the threads and lets go of the memory.
func (m *Model) Close() error {
	if m.pool == nil {
		return nil
	}
	m.pool.Close()
	*m = Model{}
	return nil
}
