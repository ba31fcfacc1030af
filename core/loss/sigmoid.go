package loss

import "github.com/stepwise-dpo/stepwise/core"

// newSigmoid is DPO's loss (Rafailov et al. 2023, equation 7), with
// label_smoothing e conservative DPO (Mitchell 2023, equation 3):
//
//	-(1-e) log s(beta delta) - e log s(-beta delta)
func newSigmoid(o core.Options) (*Loss, error) {
	v, err := decodeSmoothed(o, smoothed{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	return ofDelta(v.Beta, func(z float64) (float64, float64) { return smoothedLogistic(z, v.LabelSmoothing) }), nil
}

// smoothedLogistic is -(1-e) log s(z) - e log s(-z) and its derivative.
func smoothedLogistic(z, e float64) (value, slope float64) {
	return -(1-e)*logSigmoid(z) - e*logSigmoid(-z), -(1-e)*sigmoid(-z) + e*sigmoid(z)
}

// newRobust is robust DPO (Chowdhury et al. 2024, equation 13):
//
//	[-(1-e) log s(beta delta) + e log s(-beta delta)] / (1 - 2e)
func newRobust(o core.Options) (*Loss, error) {
	v, err := decodeSmoothed(o, smoothed{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	e := v.LabelSmoothing
	return ofDelta(v.Beta, func(z float64) (float64, float64) {
		return (-(1-e)*logSigmoid(z) + e*logSigmoid(-z)) / (1 - 2*e),
			(-(1-e)*sigmoid(-z) - e*sigmoid(z)) / (1 - 2*e)
	}), nil
}

// newSigmoidNorm is DPO on length-normalised log-ratios:
//
//	-log s(beta (h_w/n_w - h_l/n_l))
func newSigmoidNorm(o core.Options) (*Loss, error) {
	v, err := decode(o, scaled{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	return &Loss{Beta: v.Beta, pair: func(p Pair) Term {
		nw, nl := float64(p.ChosenTokens), float64(p.RejectedTokens)
		z := v.Beta * (p.hChosen()/nw - p.hRejected()/nl)
		slope := -v.Beta * sigmoid(-z)
		return Term{Loss: -logSigmoid(z), DChosen: slope / nw, DRejected: -slope / nl}
	}}, nil
}
