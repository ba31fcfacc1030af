package loss

import (
	"math"

	"github.com/stepwise-dpo/stepwise/core"
)

// newDiscoPOP is the discovered log-ratio-modulated loss (Lu et al. 2024,
// equation 5), tau being discopop_tau:
//
//	-(1-m) log s(z) + m e^-z,   z = beta delta, m = s(z/tau)
func newDiscoPOP(o core.Options) (*Loss, error) {
	v, err := decode(o, struct {
		Beta float64 `json:"beta"`
		Tau  float64 `json:"discopop_tau"`
	}{Beta: 0.1, Tau: 0.05})
	if err != nil {
		return nil, err
	}
	if v.Tau <= 0 {
		return nil, badOption("discopop_tau", "must be positive, not %v", v.Tau)
	}
	return ofDelta(v.Beta, func(z float64) (float64, float64) {
		m, rest := sigmoid(z/v.Tau), sigmoid(-z/v.Tau)
		// m e^-z in one exponential: e^-z alone overflows where m vanishes.
		modulated := math.Exp(logSigmoid(z/v.Tau) - z)
		value := -rest*logSigmoid(z) + modulated
		slope := m*rest/v.Tau*logSigmoid(z) - rest*sigmoid(-z) + (rest/v.Tau-1)*modulated
		return value, slope
	}), nil
}
