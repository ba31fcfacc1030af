package kernels

import "math"

// portable is plain Go, right on every architecture. Products are rounded
// explicitly so that no compiler fuses some of them and not others.
var portable = isa{
	name:  "portable",
	tiles: tiling{tile: tileGo, mr: 4, nr: 4, blockTiles: 4},
	lanes: 1, transpose: transposeGo(same), transposeBF16: transposeGo(bf16), rows: rowsGo(same), rowsBF16: rowsGo(bf16),
	max: maxGo, expSum: expSumGo, sumExp: sumExpGo, sumSquares: sumSquaresGo, dot: dotGo, dot3: dot3Go,
	scale: scaleGo, axpy: axpyGo, add: addGo, mulAdd: mulAddGo, scaleMul: scaleMulGo,
	normGrad: normGradGo, normGradAdd: normGradAddGo, softmaxGrad: softmaxGradGo, swiGLU: swiGLUGo, swiGLUGrad: swiGLUGradGo, rotate: rotateGo,
	adamW: adamWGo, rmsProp: rmsPropGo,
	bf16ToF32: bf16ToF32Go, f32ToBF16: f32ToBF16Go,
}

// tileGo is tiling.tile for four columns, a row at a time.
func tileGo(rows, k int, a []float32, rs, ks int, b []float32, bs int, c []float32, ldc int, load bool) {
	for i := range rows {
		out := c[i*ldc : i*ldc+4 : i*ldc+4]
		var c0, c1, c2, c3 float32
		if load {
			c0, c1, c2, c3 = out[0], out[1], out[2], out[3]
		}
		for l := range k {
			x := a[i*rs+l*ks]
			y := b[l*bs : l*bs+4 : l*bs+4]
			c0 += float32(x * y[0])
			c1 += float32(x * y[1])
			c2 += float32(x * y[2])
			c3 += float32(x * y[3])
		}
		out[0], out[1], out[2], out[3] = c0, c1, c2, c3
	}
}

// transposeGo is the packer of one lane at a time for elements of the given value.
func transposeGo[T any](value func(T) float32) func(dst []float32, ldd int, src []T, lds, k int) {
	return func(dst []float32, ldd int, src []T, _, k int) {
		for l, v := range src[:k] {
			dst[l*ldd] = value(v)
		}
	}
}

// rowsGo is likewise isa.rows.
func rowsGo[T any](value func(T) float32) func(dst []float32, width, panel int, src []T, ld, count, panels, k int) {
	return func(dst []float32, width, panel int, src []T, ld, count, panels, k int) {
		for l := range k {
			for p := range panels {
				dst[p*panel+l*width] = value(src[l*ld+p*count])
			}
		}
	}
}

func same(x float32) float32 { return x }

func maxGo(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

func expSumGo(dst, x []float32, scale, shift float32) float32 {
	var sum float32
	for i, v := range x {
		dst[i] = exp(float32(v*scale) - shift)
		sum += dst[i]
	}
	return sum
}

func sumExpGo(x []float32, scale, shift float32) float32 {
	var sum float32
	for _, v := range x {
		sum += exp(float32(v*scale) - shift)
	}
	return sum
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

func sumSquaresGo(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	return sum
}

func dotGo(x, y []float32) float32 {
	var sum float32
	for i, v := range x {
		sum += float32(v * y[i])
	}
	return sum
}

func dot3Go(x, y, z []float32) float32 {
	var sum float32
	for i, v := range x {
		sum += float32(float32(v*y[i]) * z[i])
	}
	return sum
}

func scaleGo(alpha float32, x []float32) {
	for i := range x {
		x[i] *= alpha
	}
}

func axpyGo(alpha float32, x, y []float32) {
	for i, v := range x {
		y[i] += float32(alpha * v)
	}
}

func addGo(dst, x, y []float32) {
	for i, v := range x {
		dst[i] = v + y[i]
	}
}

func mulAddGo(dst []float32, alpha float32, x, y []float32) {
	for i, v := range x {
		dst[i] += float32(float32(alpha*v) * y[i])
	}
}

func scaleMulGo(dst []float32, alpha float32, x, y []float32) {
	for i, v := range x {
		dst[i] = float32(alpha*v) * y[i]
	}
}

func normGradGo(dx, dy, w, x []float32, s, c float32) {
	for i, v := range dy {
		dx[i] = float32(s*float32(w[i]*v)) - float32(c*x[i])
	}
}

func normGradAddGo(dx, dy, w, x []float32, s, c float32) {
	for i, v := range dy {
		dx[i] += float32(s*float32(w[i]*v)) - float32(c*x[i])
	}
}

func softmaxGradGo(g, p []float32, scale, mean float32) {
	for i, v := range p {
		g[i] = float32(scale*v) * (g[i] - mean)
	}
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func swiGLUGo(y, gate, up []float32) {
	for i, v := range gate {
		y[i] = float32(v*sigmoid(v)) * up[i]
	}
}

func swiGLUGradGo(dgate, dup, gate, up, dy []float32) {
	for i, v := range gate {
		s, u, d := sigmoid(v), up[i], dy[i]
		dup[i] = d * float32(v*s)
		dgate[i] = float32(d*u) * float32(s*(1+float32(v*(1-s))))
	}
}

func rotateGo(x, y, cos, sin []float32, sign float32) {
	for i, c := range cos {
		s := sign * sin[i]
		x[i], y[i] = float32(x[i]*c)-float32(y[i]*s), float32(y[i]*c)+float32(x[i]*s)
	}
}

func adamWGo(c *[8]float32, w, g, m, v []float32) {
	decay, scale, oneMinusB1, beta2, oneMinusB2, rootC2, eps, step := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	for i := range w {
		d := g[i] * scale
		m[i] += float32(oneMinusB1 * (d - m[i]))
		v[i] = float32(v[i]*beta2) + float32(float32(oneMinusB2*d)*d)
		w[i] = float32(w[i]*decay) + float32(step*m[i])/(sqrt(v[i])/rootC2+eps)
	}
}

func rmsPropGo(c *[6]float32, w, g, v []float32) {
	scale, decay, alpha, oneMinusAlpha, eps, step := c[0], c[1], c[2], c[3], c[4], c[5]
	for i := range w {
		d := float32(g[i]*scale) + float32(decay*w[i])
		v[i] = float32(v[i]*alpha) + float32(float32(oneMinusAlpha*d)*d)
		w[i] += float32(step*d) / (sqrt(v[i]) + eps)
	}
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
