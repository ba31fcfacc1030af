package checkpoint

import "math"

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
	freqs := r.frequencies(length)
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

// frequencies returns the Dim/2 angles per position of a sequence of length tokens.
func (r RoPE) frequencies(length int) []float32 {
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
