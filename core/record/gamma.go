package record

import (
	"math"

	"github.com/stepwise-dpo/stepwise/core"
)

// GammaOf describes gamma over the pairs, of which there is at least one.
func GammaOf(pairs []PairScore) Gamma {
	g := Gamma{Pairs: len(pairs), LengthMatched: Number(math.NaN())}
	var matched []float64
	for _, p := range pairs {
		gamma := p.Chosen - p.Rejected
		g.Mean += gamma
		g.PerToken += p.Chosen/float64(p.ChosenTokens) - p.Rejected/float64(p.RejectedTokens)
		if gamma > 0 {
			g.RewardAccuracy++
		}
		if alike(p.ChosenTokens, p.RejectedTokens) {
			matched = append(matched, gamma)
		}
	}
	n := float64(len(pairs))
	g.Mean, g.PerToken, g.RewardAccuracy = g.Mean/n, g.PerToken/n, g.RewardAccuracy/n
	if len(matched) > 0 {
		g.LengthMatched = Number(mean(matched))
	}
	return g
}

// alike says whether two lengths differ by at most 10 % of the longer.
func alike(a, b int) bool { return 10*(max(a, b)-min(a, b)) <= max(a, b) }

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// PairScoreOf holds the scores of a pair's two completions, chosen first.
func PairScoreOf(s []core.Score) PairScore {
	return PairScore{
		Chosen: s[0].LogProb, Rejected: s[1].LogProb,
		ChosenTokens: s[0].Tokens, RejectedTokens: s[1].Tokens,
	}
}

// SeemsSeen judges whether a model was trained on the pairs whose mean gamma a
// token and reward accuracy these are. Length does not drive the former: a model
// that was not tuned on the pairs has a few hundredths of a nat, one that was
// has several tenths and nearly no pair wrong.
func SeemsSeen(perToken, accuracy float64) bool { return perToken > 0.25 && accuracy > 0.9 }
