package loss

import (
	"github.com/stepwise-dpo/stepwise/core"
)

// ofRewards builds a loss that is the sum of a function of each completion's
// reward; both functions return value and derivative.
func ofRewards(beta float64, chosen, rejected func(r float64) (value, slope float64)) *Loss {
	return &Loss{Beta: beta, pair: func(p Pair) Term {
		w, dw := chosen(beta * p.hChosen())
		l, dl := rejected(beta * p.hRejected())
		return Term{Loss: w + l, DChosen: beta * dw, DRejected: beta * dl}
	}}
}

// newNCA is NCA's pairwise loss (Chen et al. 2024):
//
//	-log s(beta h_w) - 1/2 log s(-beta h_w) - 1/2 log s(-beta h_l)
func newNCA(o core.Options) (*Loss, error) {
	v, err := decode(o, scaled{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	return ofRewards(v.Beta, func(r float64) (float64, float64) {
		return -logSigmoid(r) - 0.5*logSigmoid(-r), -sigmoid(-r) + 0.5*sigmoid(r)
	}, func(r float64) (float64, float64) {
		return -0.5 * logSigmoid(-r), 0.5 * sigmoid(r)
	}), nil
}

// newSPPO is SPPO's loss with hard labels (Wu et al. 2024, equation 4.7):
//
//	(h_w - 1/(2 beta))^2 + (h_l + 1/(2 beta))^2
func newSPPO(o core.Options) (*Loss, error) {
	v, err := decode(o, scaled{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	return &Loss{Beta: v.Beta, pair: func(p Pair) Term {
		w, l := p.hChosen()-1/(2*v.Beta), p.hRejected()+1/(2*v.Beta)
		return Term{Loss: w*w + l*l, DChosen: 2 * w, DRejected: 2 * l}
	}}, nil
}

// newAPOZero is APO-zero (D'Oosterlinck et al. 2024, equation 7), which raises
// the chosen and lowers the rejected. TRL adds 1 to the paper's value:
//
//	s(-beta h_w) + s(beta h_l)
func newAPOZero(o core.Options) (*Loss, error) {
	v, err := decode(o, scaled{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	return ofRewards(v.Beta, func(r float64) (float64, float64) {
		return sigmoid(-r), -sigmoid(r) * sigmoid(-r)
	}, func(r float64) (float64, float64) {
		return sigmoid(r), sigmoid(r) * sigmoid(-r)
	}), nil
}

// newAPODown is APO-down (D'Oosterlinck et al. 2024, equation 8), which lowers
// both and the rejected more:
//
//	s(beta h_w) + s(-beta delta)
func newAPODown(o core.Options) (*Loss, error) {
	v, err := decode(o, scaled{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	return &Loss{Beta: v.Beta, pair: func(p Pair) Term {
		r, z := v.Beta*p.hChosen(), v.Beta*p.delta()
		dr, dz := sigmoid(r)*sigmoid(-r), -sigmoid(z)*sigmoid(-z)
		return Term{
			Loss:      sigmoid(r) + sigmoid(-z),
			DChosen:   v.Beta * (dr + dz),
			DRejected: -v.Beta * dz,
		}
	}}, nil
}

// newBCO is BCO's loss on pairs (Jung et al. 2024, equation 10), without its
// density-ratio weights:
//
//	-log s(beta h_w - d) - log s(-(beta h_l - d))
//
// The shift d is 0 (delta = "none", as in TRL 1.x) or, with delta = "running",
// the mean of all rewards of the update, held constant.
func newBCO(o core.Options) (*Loss, error) {
	v, err := decode(o, struct {
		Beta  float64 `json:"beta"`
		Delta string  `json:"delta"`
	}{Beta: 0.1, Delta: "none"})
	if err != nil {
		return nil, err
	}
	term := func(p Pair, d float64) Term {
		w, l := v.Beta*p.hChosen()-d, v.Beta*p.hRejected()-d
		return Term{
			Loss:      -logSigmoid(w) - logSigmoid(-l),
			DChosen:   -v.Beta * sigmoid(-w),
			DRejected: v.Beta * sigmoid(l),
		}
	}
	switch v.Delta {
	case "none":
		return &Loss{Beta: v.Beta, pair: func(p Pair) Term { return term(p, 0) }}, nil
	case "running":
		return &Loss{Beta: v.Beta, batch: func(pairs []Pair) []Term {
			d := meanReward(v.Beta, pairs)
			terms := make([]Term, len(pairs))
			for i, p := range pairs {
				terms[i] = term(p, d)
			}
			return terms
		}}, nil
	}
	return nil, badOption("delta", `must be "none" or "running", not %q`, v.Delta)
}

// meanReward is the mean of the rewards of all completions.
func meanReward(beta float64, pairs []Pair) float64 {
	var sum float64
	for _, p := range pairs {
		sum += beta * (p.hChosen() + p.hRejected())
	}
	return sum / float64(2*len(pairs))
}
