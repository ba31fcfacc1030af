package loss

import (
	"math"

	"github.com/stepwise-dpo/stepwise/core"
)

// newEXO is EXO's pairwise loss (Ji et al. 2024, equation 16), the reverse KL
// divergence from the smoothed preference; e is label_smoothing:
//
//	q (log q - log(1-e)) + (1-q) (log(1-q) - log e),   q = s(beta delta)
func newEXO(o core.Options) (*Loss, error) {
	v, err := decodeSmoothed(o, smoothed{Beta: 0.1, LabelSmoothing: 1e-3})
	if err != nil {
		return nil, err
	}
	e := v.LabelSmoothing
	if e == 0 {
		return nil, badOption("label_smoothing", "must be above 0, TRL's is 0.001")
	}
	return ofDelta(v.Beta, func(z float64) (float64, float64) {
		q, r := sigmoid(z), sigmoid(-z)
		return q*(logSigmoid(z)-math.Log(1-e)) + r*(logSigmoid(-z)-math.Log(e)),
			q * r * (z - math.Log(1-e) + math.Log(e))
	}), nil
}
