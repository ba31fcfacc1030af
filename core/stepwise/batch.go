package stepwise

import (
	"github.com/stepwise-dpo/stepwise/core/loss"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// lossPair is what the loss sees of a pair.
func lossPair(policy, reference record.PairScore) loss.Pair {
	return loss.Pair{
		Chosen: policy.Chosen, Rejected: policy.Rejected,
		RefChosen: reference.Chosen, RefRejected: reference.Rejected,
		ChosenTokens: policy.ChosenTokens, RejectedTokens: policy.RejectedTokens,
	}
}

// batchStats sums what metrics.jsonl reports the means of.
type batchStats struct {
	pairs                                          int
	loss, chosen, rejected, accurate, logpW, logpL float64
}

func (b *batchStats) add(fn *loss.Loss, p loss.Pair, term loss.Term) {
	chosen, rejected := fn.Rewards(p)
	b.pairs++
	b.loss += term.Loss
	b.chosen += chosen
	b.rejected += rejected
	if chosen > rejected {
		b.accurate++
	}
	b.logpW += p.Chosen
	b.logpL += p.Rejected
}

func (b *batchStats) means() record.Metrics {
	n := float64(b.pairs)
	return record.Metrics{
		Loss: b.loss / n, RewardsChosen: b.chosen / n, RewardsRejected: b.rejected / n,
		Accuracies: b.accurate / n, Margins: (b.chosen - b.rejected) / n,
		LogpsChosen: b.logpW / n, LogpsRejected: b.logpL / n,
	}
}
