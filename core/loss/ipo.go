package loss

import "github.com/stepwise-dpo/stepwise/core"

// newIPO is IPO's squared loss (Azar et al. 2023, equation 17). average, the
// default, takes h per token as TRL does since 0.7.11; without it h is the sum:
//
//	(h_w/n_w - h_l/n_l - 1/(2 beta))^2   or   (delta - 1/(2 beta))^2
func newIPO(o core.Options) (*Loss, error) {
	v, err := decode(o, struct {
		Beta    float64 `json:"beta"`
		Average bool    `json:"average"`
	}{Beta: 0.1, Average: true})
	if err != nil {
		return nil, err
	}
	return &Loss{Beta: v.Beta, pair: func(p Pair) Term {
		nw, nl := 1.0, 1.0
		if v.Average {
			nw, nl = float64(p.ChosenTokens), float64(p.RejectedTokens)
		}
		d := p.hChosen()/nw - p.hRejected()/nl - 1/(2*v.Beta)
		return Term{Loss: d * d, DChosen: 2 * d / nw, DRejected: -2 * d / nl}
	}}, nil
}
