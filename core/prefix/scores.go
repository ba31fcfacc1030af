package prefix

import "github.com/stepwise-dpo/stepwise/core"

// Scores are those of planned items in the making: a backend adds each target's
// log-probability as it comes.
type Scores struct {
	Items [][]core.Score // by item and completion

	flat     []*core.Score // by completion
	perToken bool
}

// NewScores makes a score for each completion.
func NewScores(items []core.Item, d core.Detail) *Scores {
	s := &Scores{Items: make([][]core.Score, len(items)), perToken: d.PerToken}
	for i, item := range items {
		s.Items[i] = make([]core.Score, len(item.Completions))
		for j, c := range item.Completions {
			score := &s.Items[i][j]
			score.Tokens, score.Greedy = len(c), d.Greedy
			if d.PerToken {
				score.TokenLogProbs = make([]float64, len(c))
			}
			s.flat = append(s.flat, score)
		}
	}
	return s
}

// Add adds a target's log-probability, in nats; best says whether its token is the
// most probable, and counts where Detail asks for it. A completion's targets come
// in order, however a forest is cut into batches, so sums have the same bits.
func (s *Scores) Add(t Target, logp float64, best bool) {
	score := s.flat[t.Completion]
	score.LogProb += logp
	if s.perToken {
		score.TokenLogProbs[t.Index] = logp
	}
	score.Greedy = score.Greedy && best
}
