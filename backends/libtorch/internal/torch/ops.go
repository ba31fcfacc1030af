//go:build libtorch

package torch

import "github.com/sugarme/gotch/libtch"

// Linear returns x w^T + b; b may be none.
func (s *Scope) Linear(x, w, b Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgLinear(out, x.c, w.c, b.c) })
}

// MatMul returns a b.
func (s *Scope) MatMul(a, b Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgMatmul(out, a.c, b.c) })
}

// Add returns a + b.
func (s *Scope) Add(a, b Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgAdd(out, a.c, b.c) })
}

// Mul returns a b, element by element.
func (s *Scope) Mul(a, b Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgMul(out, a.c, b.c) })
}

// MulInPlace sets a to a b.
func (s *Scope) MulInPlace(a, b Tensor) {
	s.bound(func(out *libtch.Ctensor) { libtch.AtgMul_(out, a.c, b.c) })
}

// ExpInPlace sets x to e^x.
func (s *Scope) ExpInPlace(x Tensor) {
	s.bound(func(out *libtch.Ctensor) { libtch.AtgExp_(out, x.c) })
}

// SiLU returns x / (1 + e^-x).
func (s *Scope) SiLU(x Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgSilu(out, x.c) })
}

// SubInPlace sets a to a - b.
func (s *Scope) SubInPlace(a, b Tensor) {
	s.bound(func(out *libtch.Ctensor) { libtch.AtgSub_(out, a.c, b.c) })
}

// Max returns the largest element of each row of a matrix, [rows, 1].
func (s *Scope) Max(x Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgAmax(out, x.c, []int64{-1}, 1, 1) })
}

// Sum returns the sum of each row of a matrix of float32, [rows, 1].
func (s *Scope) Sum(x Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgSumDimIntlist(out, x.c, []int64{-1}, 1, 1, int32(Float32)) })
}

// ArgMax returns the index of the largest element of each row.
func (s *Scope) ArgMax(x Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgArgmax(out, x.c, -1, 0, 0) })
}

// Rows returns the rows of x that index names.
func (s *Scope) Rows(x, index Tensor) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgIndexSelect(out, x.c, 0, index.c) })
}

// AddAt adds values[i] to x[index[i]] of a vector.
func (s *Scope) AddAt(x, index, values Tensor) {
	s.bound(func(out *libtch.Ctensor) { libtch.AtgIndexAdd_(out, x.c, 0, index.c, values.c) })
}

// Narrow returns length elements of dimension dim, from start on, without a copy.
func (s *Scope) Narrow(x Tensor, dim, start, length int) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgNarrow(out, x.c, int64(dim), int64(start), int64(length)) })
}

// Cat joins tensors along dimension dim.
func (s *Scope) Cat(xs []Tensor, dim int) Tensor {
	if len(xs) == 1 {
		return xs[0]
	}
	cs := handles(xs)
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgCat(out, cs, len(cs), int64(dim)) })
}

// Reshape returns x in another shape, in which one size may be -1.
func (s *Scope) Reshape(x Tensor, shape ...int64) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgReshape(out, x.c, shape, len(shape)) })
}

// Transpose exchanges two dimensions, without a copy.
func (s *Scope) Transpose(x Tensor, a, b int) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgTranspose(out, x.c, int64(a), int64(b)) })
}

// To returns x on a device and in a type, itself where it is so already.
func (s *Scope) To(x Tensor, device Device, dtype DType) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgToDevice(out, x.c, int32(device), int32(dtype), 0, 0) })
}

// Copy sets x to the values of from.
func Copy(x, from Tensor) {
	libtch.AtCopy_(x.c, from.c)
	checkBound()
}

// Zeros returns zeros.
func (s *Scope) Zeros(device Device, dtype DType, shape ...int64) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgZeros(out, shape, len(shape), int32(dtype), int32(device)) })
}

// Normal returns numbers drawn from the normal distribution.
func (s *Scope) Normal(device Device, dtype DType, shape ...int64) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgRandn(out, shape, len(shape), int32(dtype), int32(device)) })
}

// Full returns a matrix of one value.
func (s *Scope) Full(device Device, dtype DType, value float64, shape ...int64) Tensor {
	v := libtch.AtsFloat(value)
	defer libtch.AtsFree(v)
	return s.bound(func(out *libtch.Ctensor) {
		libtch.AtgFull(out, shape, len(shape), v, int32(dtype), int32(device))
	})
}

// Triu returns the matrix x with zeros below a diagonal.
func (s *Scope) Triu(x Tensor, diagonal int) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgTriu(out, x.c, int64(diagonal)) })
}

// Tril returns the matrix x with zeros above a diagonal.
func (s *Scope) Tril(x Tensor, diagonal int) Tensor {
	return s.bound(func(out *libtch.Ctensor) { libtch.AtgTril(out, x.c, int64(diagonal)) })
}

func handles(xs []Tensor) []libtch.Ctensor {
	cs := make([]libtch.Ctensor, len(xs))
	for i, x := range xs {
		cs[i] = x.c
	}
	return cs
}
