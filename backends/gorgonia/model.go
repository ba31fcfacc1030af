package gorgonia

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels"
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
	rotary   rotary
	scoring  *network // made when first needed, as is training
	training *network

	rows      int // scoringRows
	trainable bool
	optimizer optimizer
}

var _ core.Model = (*Model)(nil)

// LogProbs scores all items as one forest, in batches of its rows.
func (m *Model) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	f, err := m.plan(items)
	if err != nil {
		return nil, err
	}
	if m.scoring == nil {
		if m.scoring, err = newNetwork(m); err != nil {
			return nil, err
		}
	}
	scores, flat := emptyScores(items, d)
	s := newSlicer(f, m.rotary.row)
	for s.next(&m.batch, m.rows) {
		if err := m.score(ctx, flat, d); err != nil {
			return nil, err
		}
		core.ReporterFrom(ctx).Progress("score", s.row, f.Rows)
	}
	return scores, nil
}

// score adds the batch's targets to the scores.
func (m *Model) score(ctx context.Context, scores []*core.Score, d core.Detail) error {
	m.arena.reserve(m.batch.most())
	if err := m.scoring.run(ctx); err != nil {
		return err
	}
	m.batch.collect(scores, d)
	return nil
}

// plan builds the forest and the rotary table for it.
func (m *Model) plan(items []core.Item) (*prefix.Forest, error) {
	for i, item := range items {
		if err := item.Check(m.arch.VocabSize); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	f, err := prefix.Plan(items, m.arch.RoPE.LengthDependent)
	if err != nil {
		return nil, err
	}
	m.rotary.cover(m.arch.RoPE, f)
	return f, nil
}

// Accumulate runs the items' forest forward and backward in one batch.
func (m *Model) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	if !m.trainable {
		return errors.New("accumulate: the model was opened for scoring only (open it with Train)")
	}
	f, err := m.plan(items)
	if err != nil {
		return err
	}
	if m.training == nil {
		if m.training, err = newTraining(m); err != nil {
			return err
		}
	}
	if !newSlicer(f, m.rotary.row).next(&m.batch, f.Rows) {
		return nil
	}
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
	scores, flat := emptyScores(items, core.Detail{})
	m.batch.collect(flat, core.Detail{})
	given, err := grad(scores)
	if err != nil {
		return err
	}
	if len(given) != len(items) {
		return fmt.Errorf("weights for %d items, not %d", len(given), len(items))
	}
	var of []float64
	for i, item := range items {
		if len(given[i]) != len(item.Completions) {
			return fmt.Errorf("item %d: %d weights for %d completions", i, len(given[i]), len(item.Completions))
		}
		of = append(of, given[i]...)
	}
	for i, t := range m.batch.targets {
		weights[i] = of[t.Completion]
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

// emptyScores makes a score for each completion, and lists them in order.
func emptyScores(items []core.Item, d core.Detail) (scores [][]core.Score, flat []*core.Score) {
	scores = make([][]core.Score, len(items))
	for i, item := range items {
		scores[i] = make([]core.Score, len(item.Completions))
		for j, c := range item.Completions {
			s := &scores[i][j]
			s.Tokens, s.Greedy = len(c), d.Greedy
			if d.PerToken {
				s.TokenLogProbs = make([]float64, len(c))
			}
			flat = append(flat, s)
		}
	}
	return scores, flat
}

// collect adds the batch's targets to the scores of their completions. A
// completion's tokens come in order, however the forest was cut, so that the sums
// have the same bits.
func (b *batch) collect(scores []*core.Score, d core.Detail) {
	for i, t := range b.targets {
		s := scores[t.Completion]
		s.LogProb += b.logp[i]
		if d.PerToken {
			s.TokenLogProbs[t.Index] = b.logp[i]
		}
		s.Greedy = s.Greedy && b.argmax[i] == t.Token
	}
}
