package stepwise

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/loss"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/schedule"
)

// example is a pair of the step with its reference scores.
type example struct {
	id        string
	item      core.Item
	reference record.PairScore
}

// tokens counts the tokens of prompt+chosen and prompt+rejected.
func (e example) tokens() int {
	return 2*len(e.item.Prompt) + len(e.item.Completions[0]) + len(e.item.Completions[1])
}

// shared counts the tokens that are computed: the prompt once.
func (e example) shared() int { return e.tokens() - len(e.item.Prompt) }

// training is one step's training on its way.
type training struct {
	cfg       *config.Train
	step      int
	seed      int64
	loss      *loss.Loss
	rates     *schedule.Schedule
	examples  []example
	perEpoch  int // updates
	updates   int // in all
	budget    int // tokens a micro-batch
	sameModel bool
	model     core.Model
	first     float64 // loss of the first update
	last      float64
	started   time.Time
}

func (l *loop) newTraining(step int, references []record.PairScore, model core.Model) (*training, error) {
	cfg := &l.Config.Train
	fn, err := cfg.Loss()
	if err != nil {
		return nil, err
	}
	t := &training{cfg: cfg, step: step, seed: l.Config.Run.Seed, loss: fn, model: model}
	for i, ref := range l.steps[step-1].Pairs {
		source := l.Sources[ref.Source]
		t.examples = append(t.examples, example{fmt.Sprintf("%s:%d", source.Name, ref.Pair), source.Pairs[ref.Pair].Item(), references[i]})
	}
	t.perEpoch = (len(t.examples) + cfg.BatchSize - 1) / cfg.BatchSize
	t.updates = int(math.Ceil(cfg.NumTrainEpochs * float64(t.perEpoch)))
	t.rates, err = schedule.New(cfg.LRSchedulerType, cfg.LearningRate, t.updates, cfg.WarmupRatio)
	return t, err
}

// batch returns the examples of update u, from 0.
func (t *training) batch(u int) []example {
	return t.batchOf(t.order(u/t.perEpoch), u%t.perEpoch)
}

// batchOf returns the examples of update u, from 0, of the epoch with that order.
func (t *training) batchOf(order []int, u int) []example {
	from := u * t.cfg.BatchSize
	batch := make([]example, 0, t.cfg.BatchSize)
	for _, i := range order[from:min(from+t.cfg.BatchSize, len(order))] {
		batch = append(batch, t.examples[i])
	}
	return batch
}

// order returns the epoch's order of the examples, which depends on the seed,
// the step and the epoch alone, so that a resumed run goes on in it.
func (t *training) order(epoch int) []int {
	if t.cfg.Shuffle {
		return rand.New(rand.NewPCG(uint64(t.seed), uint64(t.step)<<32|uint64(epoch))).Perm(len(t.examples))
	}
	order := make([]int, len(t.examples))
	for i := range order {
		order[i] = i
	}
	return order
}

// update makes update u, from 0.
func (t *training) update(ctx context.Context, u int) (record.Metrics, error) {
	start := time.Now()
	batch := t.batch(u)
	stats, err := t.accumulate(ctx, batch, u == 0 && t.sameModel)
	if err != nil {
		return record.Metrics{}, err
	}
	rate := t.rates.LearningRate(u)
	done, err := t.model.Update(ctx, core.Update{
		LearningRate: rate, MaxGradNorm: t.cfg.MaxGradNorm, Optimizer: t.cfg.Optimizer(),
	})
	if errors.Is(err, core.ErrNotFinite) {
		return record.Metrics{}, fmt.Errorf("the gradient is not finite; the update's pairs are %s: %w", ids(batch), err)
	} else if err != nil {
		return record.Metrics{}, err
	}
	m := stats.means()
	m.Step, m.Update = t.step, u+1
	m.Epoch = float64(u+1) / float64(t.perEpoch)
	m.GradNorm, m.LearningRate = done.GradNorm, rate
	for _, e := range batch {
		m.Tokens += e.tokens()
	}
	m.TokensPerSecond = float64(m.Tokens) / time.Since(start).Seconds()
	return m, nil
}

// accumulate adds the batch's gradient in micro-batches. The loss is the mean
// over the update's pairs, however they are cut.
func (t *training) accumulate(ctx context.Context, batch []example, atReference bool) (*batchStats, error) {
	stats := &batchStats{}
	var whole []loss.Term
	if t.loss.OverBatch() {
		scores, err := t.model.LogProbs(ctx, itemsOf(batch), core.Detail{})
		if err != nil {
			return nil, err
		}
		if whole, err = t.terms(batch, scores, atReference, stats); err != nil {
			return nil, err
		}
	}
	done := 0
	for _, micro := range t.cut(batch) {
		err := t.model.Accumulate(ctx, itemsOf(micro), func(scores [][]core.Score) ([][]float64, error) {
			if whole != nil {
				return weights(whole[done:done+len(micro)], len(batch)), nil
			}
			terms, err := t.terms(micro, scores, atReference, stats)
			return weights(terms, len(batch)), err
		})
		if err != nil {
			return nil, err
		}
		done += len(micro)
	}
	return stats, nil
}

// terms computes the loss of the examples from their scores.
func (t *training) terms(examples []example, scores [][]core.Score, atReference bool, stats *batchStats) ([]loss.Term, error) {
	pairs := make([]loss.Pair, len(examples))
	for i, e := range examples {
		pairs[i] = lossPair(record.PairScoreOf(scores[i]), e.reference)
	}
	terms := t.loss.Terms(pairs)
	if err := t.checkFinite(examples, pairs, terms); err != nil {
		return nil, err
	}
	if atReference {
		if err := t.checkAtReference(examples, pairs); err != nil {
			return nil, err
		}
	}
	for i, term := range terms {
		stats.add(t.loss, pairs[i], term)
	}
	return terms, nil
}

// checkFinite names the pairs whose loss or derivative is NaN or infinite.
func (t *training) checkFinite(examples []example, pairs []loss.Pair, terms []loss.Term) error {
	var bad []example
	for i, term := range terms {
		sum := term.Loss + term.DChosen + term.DRejected
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			bad = append(bad, examples[i])
		}
	}
	if bad == nil {
		return nil
	}
	return fmt.Errorf("the loss is not finite for %s: %w; lower the learning rate, or look at these pairs with `stepwise show`", ids(bad), core.ErrNotFinite)
}

// checkAtReference is the invariant of a step's first update: while target and
// reference have the same weights, every implicit reward is 0 to rounding. It
// catches wrong references, stale caches and wrong packing.
func (t *training) checkAtReference(examples []example, pairs []loss.Pair) error {
	for i, p := range pairs {
		for _, c := range []struct {
			name              string
			policy, reference float64
			tokens            int
		}{{"chosen", p.Chosen, p.RefChosen, p.ChosenTokens}, {"rejected", p.Rejected, p.RefRejected, p.RejectedTokens}} {
			if d := c.policy - c.reference; math.Abs(d) > 1e-3+1e-5*float64(c.tokens) {
				return fmt.Errorf("target and reference have the same weights, but the %s completion of pair %s has log-probability %v under the one and %v under the other; "+
					"the backend scores and trains differently", c.name, examples[i].id, c.policy, c.reference)
			}
		}
	}
	return nil
}

// cut divides the batch into micro-batches of at most the token budget, or of
// one pair.
func (t *training) cut(batch []example) [][]example {
	var micro [][]example
	start, tokens := 0, 0
	for i, e := range batch {
		if i > start && tokens+e.shared() > t.budget {
			micro = append(micro, batch[start:i])
			start, tokens = i, 0
		}
		tokens += e.shared()
	}
	return append(micro, batch[start:])
}

// weights are the derivatives of the mean loss over n pairs.
func weights(terms []loss.Term, n int) [][]float64 {
	w := make([][]float64, len(terms))
	for i, term := range terms {
		w[i] = []float64{term.DChosen / float64(n), term.DRejected / float64(n)}
	}
	return w
}

func itemsOf(examples []example) []core.Item {
	items := make([]core.Item, len(examples))
	for i, e := range examples {
		items[i] = e.item
	}
	return items
}

// ids lists examples in an error, the first few of them.
func ids(examples []example) string {
	const most = 8
	var names []string
	for _, e := range examples[:min(most, len(examples))] {
		names = append(names, e.id)
	}
	text := strings.Join(names, ", ")
	if more := len(examples) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
