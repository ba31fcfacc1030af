package checkpoint

import (
	"fmt"
	"math"
)

// A RoPE is a rotary position embedding: a vector of Dim elements at position p
// is rotated in the planes (j, j+Dim/2) by the angles p * f_j. It follows
// modeling_rope_utils.py of transformers 5 in float32, operation by operation,
// since at long positions the rounding of the frequencies shows.
type RoPE struct {
	Type         string // "default", "linear", "dynamic", "llama3" or "yarn"
	Dim          int    // the head's size
	Theta        float64
	MaxPositions int // max_position_embeddings

	Factor               float64 // all but default: how far the context is stretched
	OriginalMaxPositions int     // llama3, yarn: the context of pretraining
	LowFreqFactor        float64 // llama3
	HighFreqFactor       float64 // llama3
	AttentionFactor      float64 // yarn: scale of cos and sin; 1 for the others
	BetaFast, BetaSlow   float64 // yarn: rotations that bound the ramp
	Truncate             bool    // yarn: whether the ramp's bounds are whole numbers
}

// LengthDependent says whether a sequence of length tokens is rotated otherwise
// than its own beginning would be alone, so that nothing computed for a shorter
// sequence serves it (dynamic NTK beyond MaxPositions).
func (r RoPE) LengthDependent(length int) bool {
	return r.Type == "dynamic" && length > r.MaxPositions
}

// Table returns cos and sin of a sequence of length tokens, each [length, Dim/2]
// row by row, with the attention factor in them. Of a scaling that does not
// depend on length, the table of a shorter sequence is the beginning of a longer's.
func (r RoPE) Table(length int) (cos, sin []float32) {
	freqs := r.Frequencies(length)
	scale := float32(r.AttentionFactor)
	cos = make([]float32, 0, length*len(freqs))
	sin = make([]float32, 0, length*len(freqs))
	for p := range length {
		for _, f := range freqs {
			s, c := math.Sincos(float64(float32(p) * f))
			cos = append(cos, float32(c)*scale)
			sin = append(sin, float32(s)*scale)
		}
	}
	return cos, sin
}

// Frequencies returns the Dim/2 angles per position of a sequence of length tokens.
func (r RoPE) Frequencies(length int) []float32 {
	switch r.Type {
	case "linear":
		return r.linear()
	case "dynamic":
		return r.dynamic(length)
	case "llama3":
		return r.llama3()
	case "yarn":
		return r.yarn()
	}
	return r.inverse(float32(r.Theta))
}

// powers returns base^(2j/Dim) for j < Dim/2.
func (r RoPE) powers(base float32) []float32 {
	out := make([]float32, r.Dim/2)
	for j := range out {
		exponent := float32(2*j) / float32(r.Dim)
		out[j] = float32(math.Pow(float64(base), float64(exponent)))
	}
	return out
}

// inverse returns the frequencies of the original paper, 1 / base^(2j/Dim).
func (r RoPE) inverse(base float32) []float32 {
	out := r.powers(base)
	for j := range out {
		out[j] = 1 / out[j]
	}
	return out
}

// linear stretches every wavelength by Factor (position interpolation).
func (r RoPE) linear() []float32 {
	out := r.inverse(float32(r.Theta))
	for j := range out {
		out[j] /= float32(r.Factor)
	}
	return out
}

// dynamic raises the base with the sequence's length beyond MaxPositions
// (NTK-aware scaling). It has no memory: transformers' module keeps the base of
// the longest sequence it has met until one shorter than MaxPositions comes.
func (r RoPE) dynamic(length int) []float32 {
	if length <= r.MaxPositions {
		return r.inverse(float32(r.Theta))
	}
	stretch := float32(r.Factor)*float32(length)/float32(r.MaxPositions) - float32(r.Factor-1)
	exponent := float32(float64(r.Dim) / float64(r.Dim-2))
	return r.inverse(float32(r.Theta) * float32(math.Pow(float64(stretch), float64(exponent))))
}

// llama3 stretches long wavelengths, keeps short ones, and blends in between.
func (r RoPE) llama3() []float32 {
	out := r.inverse(float32(r.Theta))
	low, factor := float32(r.LowFreqFactor), float32(r.Factor)
	context := float32(r.OriginalMaxPositions)
	longest := float32(float64(r.OriginalMaxPositions) / r.LowFreqFactor)
	shortest := float32(float64(r.OriginalMaxPositions) / r.HighFreqFactor)
	for j, f := range out {
		wavelength := float32(2*math.Pi) / f
		switch {
		case wavelength > longest:
			out[j] = f / factor
		case wavelength >= shortest:
			smooth := (context/wavelength - low) / float32(r.HighFreqFactor-r.LowFreqFactor)
			// Separate conversions keep the compiler from fusing the products into one rounding.
			out[j] = float32((1-smooth)*f/factor) + float32(smooth*f)
		}
	}
	return out
}

// yarn stretches slowly turning planes by Factor, keeps fast ones, and blends
// along a linear ramp (NTK by parts, Peng et al. 2023, section 3.2).
func (r RoPE) yarn() []float32 {
	low, high := r.correction(r.BetaFast), r.correction(r.BetaSlow)
	if r.Truncate {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(r.Dim-1))
	if low == high {
		high += 0.001 // transformers' own guard of the division
	}
	out := r.powers(float32(r.Theta))
	for j, p := range out {
		ramp := min(max((float32(j)-float32(low))/float32(high-low), 0), 1)
		extrapolate := 1 - ramp
		out[j] = float32(1/(float32(r.Factor)*p)*(1-extrapolate)) + float32(1/p*extrapolate)
	}
	return out
}

// correction returns the plane that makes the given number of rotations over the
// context of pretraining.
func (r RoPE) correction(rotations float64) float64 {
	return float64(r.Dim) * math.Log(float64(r.OriginalMaxPositions)/(rotations*2*math.Pi)) / (2 * math.Log(r.Theta))
}

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
	r := RoPE{Type: rc.RopeType, Dim: c.headDim(), Theta: 10000, MaxPositions: c.MaxPositionEmbeddings, AttentionFactor: 1}
	if r.Type == "" {
		r.Type = rc.Type
	}
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
	case "", "default":
		r.Type = "default"
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
		rc.Factor = new(float64)
		*rc.Factor = float64(r.MaxPositions) / float64(r.OriginalMaxPositions)
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
		r.scaleYarn(rc)
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
func (r *RoPE) scaleYarn(rc ropeConfig) {
	r.BetaFast, r.BetaSlow = 32, 1
	if rc.BetaFast != 0 {
		r.BetaFast = rc.BetaFast
	}
	if rc.BetaSlow != 0 {
		r.BetaSlow = rc.BetaSlow
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
}

func firstOf[T any](ps ...*T) *T {
	for _, p := range ps {
		if p != nil {
			return p
		}
	}
	return nil
}
