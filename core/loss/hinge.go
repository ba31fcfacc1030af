package loss

import "github.com/stepwise-dpo/stepwise/core"

// newHinge is SLiC's hinge (Zhao et al. 2023) on the reward margin:
//
//	max(0, 1 - beta delta)
func newHinge(o core.Options) (*Loss, error) {
	v, err := decode(o, scaled{Beta: 0.1})
	if err != nil {
		return nil, err
	}
	return ofDelta(v.Beta, func(z float64) (float64, float64) {
		if z >= 1 {
			return 0, 0
		}
		return 1 - z, -1
	}), nil
}
