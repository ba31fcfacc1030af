package loss

import (
	"math"

	"github.com/stepwise-dpo/stepwise/core"
)

// newSFT is supervised tuning on the chosen completion, -p_w: the mean negative
// log-likelihood of its tokens.
func newSFT(o core.Options) (*Loss, error) {
	if _, err := decode(o, struct{}{}); err != nil {
		return nil, err
	}
	return &Loss{Beta: 1, ReferenceFree: true, PerToken: true, pair: func(p Pair) Term {
		n := float64(p.ChosenTokens)
		return Term{Loss: -p.Chosen / n, DChosen: -1 / n}
	}}, nil
}

// newSimPO is SimPO's loss (Meng et al. 2024, equation 6), simpo_gamma being
// the absolute target margin:
//
//	-log s(beta (p_w - p_l) - gamma)
func newSimPO(o core.Options) (*Loss, error) {
	v, err := decode(o, struct {
		Beta  float64 `json:"beta"`
		Gamma float64 `json:"simpo_gamma"`
	}{Beta: 0.1, Gamma: 0.5})
	if err != nil {
		return nil, err
	}
	return &Loss{Beta: v.Beta, ReferenceFree: true, PerToken: true, pair: func(p Pair) Term {
		nw, nl := float64(p.ChosenTokens), float64(p.RejectedTokens)
		z := v.Beta*(p.Chosen/nw-p.Rejected/nl) - v.Gamma
		slope := -v.Beta * sigmoid(-z)
		return Term{Loss: -logSigmoid(z), DChosen: slope / nw, DRejected: -slope / nl}
	}}, nil
}

// newORPO is ORPO's loss (Hong et al. 2024, equation 6):
//
//	-p_w - beta log s(logodds(p_w) - logodds(p_l)),   logodds(p) = p - log(1 - e^p)
func newORPO(o core.Options) (*Loss, error) {
	v, err := decode(o, scaled{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	logOdds := func(p float64) float64 { return p - math.Log(-math.Expm1(p)) }
	return &Loss{Beta: v.Beta, ReferenceFree: true, PerToken: true, pair: func(p Pair) Term {
		nw, nl := float64(p.ChosenTokens), float64(p.RejectedTokens)
		w, l := p.Chosen/nw, p.Rejected/nl
		z := logOdds(w) - logOdds(l)
		slope := -v.Beta * sigmoid(-z)
		return Term{
			Loss:      -w - v.Beta*logSigmoid(z),
			DChosen:   (-1 - slope/math.Expm1(w)) / nw, // d logodds / dp = 1 / (1 - e^p)
			DRejected: slope / math.Expm1(l) / nl,
		}
	}}, nil
}

// newCPO is CPO's loss (Xu et al. 2024, equation 7) as in TRL's CPOTrainer,
// alpha being cpo_alpha and its second term the mean over tokens:
//
//	-log s(beta (logp_w - logp_l)) - alpha p_w
func newCPO(o core.Options) (*Loss, error) {
	v, err := decode(o, struct {
		Beta  float64 `json:"beta"`
		Alpha float64 `json:"cpo_alpha"`
	}{Beta: 0.1, Alpha: 1})
	if err != nil {
		return nil, err
	}
	return &Loss{Beta: v.Beta, ReferenceFree: true, pair: func(p Pair) Term {
		n := float64(p.ChosenTokens)
		z := v.Beta * (p.Chosen - p.Rejected)
		slope := -v.Beta * sigmoid(-z)
		return Term{Loss: -logSigmoid(z) - v.Alpha*p.Chosen/n, DChosen: slope - v.Alpha/n, DRejected: -slope}
	}}, nil
}
