package loss

import (
	"cmp"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
)

// newAOT is alignment via optimal transport on pairs (Melnyk et al. 2024,
// equation 8): the sorted margins of the policy should dominate those of the
// reference. It is a loss over the batch:
//
//	z = sort(logp_w - logp_l) - sort(ref_w - ref_l)
//	-(1-e) log s(beta z) - e log s(-beta z)
func newAOT(o core.Options) (*Loss, error) {
	return newSorted(o, func(pairs []Pair) (upper, lower []ranked) {
		for i, p := range pairs {
			upper = append(upper, ranked{pair: i, value: p.Chosen - p.Rejected, dChosen: 1, dRejected: -1})
			lower = append(lower, ranked{pair: i, value: p.RefChosen - p.RefRejected})
		}
		return upper, lower
	})
}

// newAOTUnpaired is AOT for unpaired data (Melnyk et al. 2024, equation 9):
//
//	z = sort(h_w) - sort(h_l), then as in AOT
func newAOTUnpaired(o core.Options) (*Loss, error) {
	return newSorted(o, func(pairs []Pair) (upper, lower []ranked) {
		for i, p := range pairs {
			upper = append(upper, ranked{pair: i, value: p.hChosen(), dChosen: 1})
			lower = append(lower, ranked{pair: i, value: p.hRejected(), dRejected: 1})
		}
		return upper, lower
	})
}

// ranked is a pair's value in a sorted list and the value's derivatives with
// respect to the pair's log-probabilities.
type ranked struct {
	pair               int
	value              float64
	dChosen, dRejected float64
}

// newSorted builds the loss of the differences of two sorted lists, the i-th of
// upper less the i-th of lower. Its value is credited to upper's pair.
func newSorted(o core.Options, lists func([]Pair) (upper, lower []ranked)) (*Loss, error) {
	v, err := decodeSmoothed(o, smoothed{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	byValue := func(a, b ranked) int { return cmp.Compare(a.value, b.value) }
	return &Loss{Beta: v.Beta, batch: func(pairs []Pair) []Term {
		upper, lower := lists(pairs)
		slices.SortStableFunc(upper, byValue)
		slices.SortStableFunc(lower, byValue)
		terms := make([]Term, len(pairs))
		for i, u := range upper {
			l := lower[i]
			value, slope := smoothedLogistic(v.Beta*(u.value-l.value), v.LabelSmoothing)
			slope *= v.Beta
			terms[u.pair].Loss += value
			terms[u.pair].DChosen += slope * u.dChosen
			terms[u.pair].DRejected += slope * u.dRejected
			terms[l.pair].DChosen -= slope * l.dChosen
			terms[l.pair].DRejected -= slope * l.dRejected
		}
		return terms
	}}, nil
}
