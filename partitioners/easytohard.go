package partitioners

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
)

// easyToHard is the paper's partition (Kim et al. 2024, section 3.2): one step
// a source, the sources in descending order of the reward accuracy that the
// base model M_0 has on them. Equal scores keep the configuration's order.
//
// Where M_0 is its own reference every implicit reward is 0, so what accuracy
// means is declared by the option score.
type easyToHard struct {
	Score string `json:"score"`
}

// pairScores maps the option score to a pair's score, whose mean over a source
// is the source's.
var pairScores = map[string]func(chosen, rejected core.Score) float64{
	// P[gamma > 0], gamma = logp(chosen) - logp(rejected).
	"gamma-positive": func(w, l core.Score) float64 { return positive(w.LogProb - l.LogProb) },
	// The same with log-probabilities per token.
	"gamma-positive-per-token": func(w, l core.Score) float64 { return positive(perToken(w) - perToken(l)) },
	// The mean of gamma, in nats.
	"gamma-mean": func(w, l core.Score) float64 { return w.LogProb - l.LogProb },
}

func positive(x float64) float64 {
	if x > 0 {
		return 1
	}
	return 0
}

func perToken(s core.Score) float64 { return s.LogProb / float64(s.Tokens) }

func newEasyToHard(o core.Options) (core.Partitioner, error) {
	e := easyToHard{Score: "gamma-positive"}
	if err := o.Decode(&e); err != nil {
		return nil, err
	}
	if _, ok := pairScores[e.Score]; !ok {
		return nil, fmt.Errorf(`option "score" is %q; there are: %s`, e.Score, strings.Join(slices.Sorted(maps.Keys(pairScores)), ", "))
	}
	return e, nil
}

func (e easyToHard) Partition(ctx context.Context, sources []core.Source, base core.Scorer) ([]core.Step, error) {
	order := make([]int, len(sources))
	means := make([]float64, len(sources))
	for i, source := range sources {
		order[i] = i
		scores, err := base.LogProbs(ctx, source.Items(), core.Detail{})
		if err != nil {
			return nil, fmt.Errorf("source %q: %w", source.Name, err)
		}
		means[i] = meanOf(pairScores[e.Score], scores)
		core.ReporterFrom(ctx).Note(fmt.Sprintf("%s: %s %.4f, %s %.4f", source.Name, e.Score, means[i],
			"gamma-positive-per-token", meanOf(pairScores["gamma-positive-per-token"], scores)))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(means[b], means[a]) })
	steps := make([]core.Step, len(order))
	for t, i := range order {
		steps[t].Pairs = core.WholeSource(sources, i)
	}
	return steps, nil
}

func meanOf(score func(chosen, rejected core.Score) float64, scores [][]core.Score) float64 {
	var sum float64
	for _, s := range scores {
		sum += score(s[0], s[1])
	}
	return sum / float64(len(scores))
}
