package report

import (
	"math"

	"gonum.org/v1/plot/plotter"
)

// thin keeps at most about limit points of a line: of each stretch of equal
// length the lowest and the highest, in their order, so that no spike is lost.
// The first and the last point stay.
func thin(line plotter.XYs, limit int) plotter.XYs {
	if len(line) <= limit {
		return line
	}
	stretches := max(1, (limit-2)/2)
	inner := line[1 : len(line)-1]
	out := plotter.XYs{line[0]}
	for i := range stretches {
		part := inner[i*len(inner)/stretches : (i+1)*len(inner)/stretches]
		low, high := extremes(part)
		out = append(out, part[min(low, high)])
		if low != high {
			out = append(out, part[max(low, high)])
		}
	}
	return append(out, line[len(line)-1])
}

// extremes returns the indices of the lowest and of the highest point.
func extremes(points plotter.XYs) (low, high int) {
	for i, p := range points {
		if p.Y < points[low].Y {
			low = i
		}
		if p.Y > points[high].Y {
			high = i
		}
	}
	return low, high
}

// smooth is the mean over a window of points around each, cut off at the ends.
func smooth(line plotter.XYs, window int) plotter.XYs {
	sums := make([]float64, len(line)+1)
	for i, p := range line {
		sums[i+1] = sums[i] + p.Y
	}
	out := make(plotter.XYs, len(line))
	for i, p := range line {
		from, to := max(0, i-window/2), min(len(line), i+window/2+1)
		out[i] = plotter.XY{X: p.X, Y: (sums[to] - sums[from]) / float64(to-from)}
	}
	return out
}

// drawable says whether a chart can show the value.
func drawable(v float64) bool { return math.Abs(v) < 1e100 }
