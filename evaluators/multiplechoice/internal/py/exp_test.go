package py

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestExp compares with Taylor's series in 200 bits.
func TestExp(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		x := rnd.Float64()*-745 + 20
		if got, want := Exp(x), bigExp(x); got != want {
			t.Errorf("Exp(%v) = %v, want %v", x, got, want)
		}
	}
	for x, want := range map[float64]float64{0: 1, -800: 0, math.Inf(-1): 0, 800: math.Inf(1)} {
		if got := Exp(x); got != want {
			t.Errorf("Exp(%v) = %v, want %v", x, got, want)
		}
	}
}

func bigExp(x float64) float64 {
	const precision = 200
	scaled := new(big.Float).SetPrec(precision).SetFloat64(x / 1024)
	sum := new(big.Float).SetPrec(precision).SetInt64(1)
	for i := int64(60); i > 0; i-- {
		sum.Mul(sum, scaled)
		sum.Quo(sum, new(big.Float).SetInt64(i))
		sum.Add(sum, big.NewFloat(1))
	}
	for range 10 {
		sum.Mul(sum, sum)
	}
	f, _ := sum.Float64()
	return f
}
