package checkpoint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// ropeConfig is rope_parameters of transformers 5, or rope_scaling of 4.
type ropeConfig struct {
	RopeType             string   `json:"rope_type"`
	Type                 string   `json:"type"` // an older name of rope_type
	Theta                *float64 `json:"rope_theta"`
	Factor               *float64 `json:"factor"`
	OriginalMaxPositions *int     `json:"original_max_position_embeddings"`
	LowFreqFactor        *float64 `json:"low_freq_factor"`
	HighFreqFactor       *float64 `json:"high_freq_factor"`
	AttentionFactor      *float64 `json:"attention_factor"`
	BetaFast             float64  `json:"beta_fast"`
	BetaSlow             float64  `json:"beta_slow"`
	MScale               float64  `json:"mscale"`
	MScaleAllDim         float64  `json:"mscale_all_dim"`
	Truncate             *bool    `json:"truncate"`
	PartialRotaryFactor  *float64 `json:"partial_rotary_factor"`

	FullAttention json.RawMessage `json:"full_attention"` // there where every type of layer has its own
}

// rope merges the two spellings as transformers 5 does: rope_scaling goes before
// rope_parameters, and rope_theta inside goes before rope_theta beside.
func (c *config) rope() (RoPE, error) {
	var rc ropeConfig
	switch {
	case c.RopeScaling != nil:
		rc = *c.RopeScaling
	case c.RopeParameters != nil:
		rc = *c.RopeParameters
	}
	if rc.FullAttention != nil {
		return RoPE{}, errors.New("a rotary embedding for each type of layer is not supported")
	}
	r := RoPE{Type: cmp.Or(rc.RopeType, rc.Type, "default"), Dim: c.headDim(), Theta: 10000, MaxPositions: c.MaxPositionEmbeddings, AttentionFactor: 1}
	if theta := firstOf(rc.Theta, c.RopeTheta); theta != nil {
		r.Theta = *theta
	}
	if !(r.Theta > 1) || math.IsInf(r.Theta, 0) {
		return r, fmt.Errorf("rope_theta %g is not a number above 1", r.Theta)
	}
	if p := firstOf(rc.PartialRotaryFactor, c.PartialRotaryFactor); p != nil && *p != 1 {
		return r, fmt.Errorf("partial_rotary_factor %g is not supported (supported: 1)", *p)
	}
	return r, r.scale(rc, firstOf(c.OriginalMaxPositions, rc.OriginalMaxPositions))
}

// scale takes from rc what the type of scaling needs.
func (r *RoPE) scale(rc ropeConfig, original *int) error {
	switch r.Type {
	case "default":
		return nil
	case "linear", "dynamic", "llama3", "yarn":
	default:
		return fmt.Errorf("rope_type %q is not supported (supported: default, linear, dynamic, llama3, yarn)", r.Type)
	}
	r.OriginalMaxPositions = r.MaxPositions
	if original != nil {
		r.OriginalMaxPositions = *original
	}
	if r.OriginalMaxPositions < 1 {
		return fmt.Errorf("original_max_position_embeddings %d is not positive", r.OriginalMaxPositions)
	}
	if rc.Factor == nil && r.Type == "yarn" {
		rc.Factor = ptr(float64(r.MaxPositions) / float64(r.OriginalMaxPositions))
	}
	if rc.Factor == nil || *rc.Factor < 1 {
		return fmt.Errorf("rope_type %q needs a factor of at least 1", r.Type)
	}
	r.Factor = *rc.Factor
	switch r.Type {
	case "dynamic":
		if r.Dim < 4 {
			return fmt.Errorf("rope_type %q needs a head_dim of at least 4, not %d", r.Type, r.Dim)
		}
	case "llama3":
		return r.scaleLlama3(rc)
	case "yarn":
		return r.scaleYarn(rc)
	}
	return nil
}

func (r *RoPE) scaleLlama3(rc ropeConfig) error {
	if rc.LowFreqFactor == nil || rc.HighFreqFactor == nil {
		return fmt.Errorf("rope_type %q needs low_freq_factor and high_freq_factor", r.Type)
	}
	r.LowFreqFactor, r.HighFreqFactor = *rc.LowFreqFactor, *rc.HighFreqFactor
	if r.LowFreqFactor <= 0 || r.HighFreqFactor <= r.LowFreqFactor {
		return fmt.Errorf("rope_type %q needs 0 < low_freq_factor < high_freq_factor, not %g and %g", r.Type, r.LowFreqFactor, r.HighFreqFactor)
	}
	return nil
}

// scaleYarn sets the ramp's bounds and the attention factor, by default
// 0.1 ln(Factor) + 1 (Peng et al. 2023, equation 22).
func (r *RoPE) scaleYarn(rc ropeConfig) error {
	r.BetaFast, r.BetaSlow = cmp.Or(rc.BetaFast, 32), cmp.Or(rc.BetaSlow, 1)
	if r.BetaFast < 0 || r.BetaSlow < 0 {
		return fmt.Errorf("rope_type %q needs a positive beta_fast and beta_slow, not %g and %g", r.Type, r.BetaFast, r.BetaSlow)
	}
	r.Truncate = rc.Truncate == nil || *rc.Truncate
	mscale := func(m float64) float64 {
		if r.Factor <= 1 {
			return 1
		}
		return 0.1*m*math.Log(r.Factor) + 1
	}
	switch {
	case rc.AttentionFactor != nil:
		r.AttentionFactor = *rc.AttentionFactor
	case rc.MScale != 0 && rc.MScaleAllDim != 0:
		r.AttentionFactor = mscale(rc.MScale) / mscale(rc.MScaleAllDim)
	default:
		r.AttentionFactor = mscale(1)
	}
	return nil
}

// firstOf returns the first that is there, else nil.
func firstOf[T any](ps ...*T) *T {
	for _, p := range ps {
		if p != nil {
			return p
		}
	}
	return nil
}
