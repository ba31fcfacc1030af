package py

// Sum adds from left to right, as Python's sum does.
func Sum(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum
}

// PairwiseSum adds in the order of numpy.sum over a contiguous array: eight
// running sums over at most 128 values, halves of a longer array apart.
func PairwiseSum(values []float64) float64 {
	n := len(values)
	switch {
	case n < 8:
		return Sum(values)
	case n > 128:
		half := n / 2
		half -= half % 8
		return PairwiseSum(values[:half]) + PairwiseSum(values[half:])
	}
	r := [8]float64(values)
	i := 8
	for ; i+8 <= n; i += 8 {
		for j := range r {
			r[j] += values[i+j]
		}
	}
	sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	for _, v := range values[i:] {
		sum += v
	}
	return sum
}
