package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// unroll is the number of independent sums of a reduction.
const unroll = 4

// reductions writes what makes one number of vectors.
func (s *set) reductions() {
	s.max()
	s.dot()
	s.dot3()
	s.sumSquares()
}

// fold combines independent partial results and then their lanes, pairwise.
func (s *set) fold(acc []reg.VecVirtual, op func(a, b, c Op)) reg.VecVirtual {
	for n := len(acc) / 2; n > 0; n /= 2 {
		for i := range n {
			op(acc[i+n], acc[i], acc[i])
		}
	}
	x := acc[0]
	if s.wide() {
		y := YMM()
		VEXTRACTF64X4(Imm(1), x, y)
		op(y, x.AsY(), x.AsY())
	}
	half := XMM()
	VEXTRACTF128(Imm(1), x.AsY(), half)
	op(half, x.AsX(), x.AsX())
	return x
}

// result folds the lanes of float32 and returns them.
func (s *set) result(acc []reg.VecVirtual, op func(a, b, c Op)) {
	x := s.fold(acc, op).AsX()
	half := XMM()
	VPERMILPS(Imm(0x0e), x, half)
	op(half, x, x)
	VPERMILPS(Imm(1), x, half)
	op(half, x, x)
	VZEROUPPER()
	Store(x, ReturnIndex(0))
	RET()
}

func add(a, b, c Op) { VADDPS(a, b, c) }

// sums returns cleared sums.
func (s *set) sums(n int) []reg.VecVirtual {
	acc := make([]reg.VecVirtual, n)
	for i := range acc {
		acc[i] = s.vec()
		s.zero(acc[i])
	}
	return acc
}

func (s *set) max() {
	s.text("max", "func(x []float32) float32", "is isa.max.")
	x, n := base("x"), length("x")
	low := s.vec()
	VMOVUPS(s.constant(float32(math.Inf(-1))), low)
	acc := make([]reg.VecVirtual, unroll)
	for i := range acc {
		acc[i] = s.vec()
		VMOVAPS(low, acc[i])
	}
	s.loop(n, unroll, func(u int, at func(reg.Register) Mem, tail bool) {
		v := s.vec()
		s.load(at(x), v, tail)
		s.keep(v, low, tail)
		VMAXPS(acc[u], v, acc[u]) // the sum where v is NaN
	})
	s.result(acc, func(a, b, c Op) { VMAXPS(a, b, c) })
}

func (s *set) dot() {
	s.text("dot", "func(x, y []float32) float32", "is isa.dot.")
	x, y, n := base("x"), base("y"), length("x")
	acc := s.sums(unroll)
	s.loop(n, unroll, func(u int, at func(reg.Register) Mem, tail bool) {
		v, w := s.vec(), s.vec()
		s.load(at(x), v, tail)
		s.load(at(y), w, tail)
		VFMADD231PS(w, v, acc[u])
	})
	s.result(acc, add)
}

func (s *set) dot3() {
	s.text("dot3", "func(x, y, z []float32) float32", "is isa.dot3.")
	x, y, z, n := base("x"), base("y"), base("z"), length("x")
	acc := s.sums(unroll)
	s.loop(n, unroll, func(u int, at func(reg.Register) Mem, tail bool) {
		v, w, t := s.vec(), s.vec(), s.vec()
		s.load(at(x), v, tail)
		s.load(at(y), w, tail)
		s.load(at(z), t, tail)
		VMULPS(w, v, v)
		VFMADD231PS(t, v, acc[u])
	})
	s.result(acc, add)
}

func (s *set) sumSquares() {
	s.text("sumSquares", "func(x []float32) float64", "is isa.sumSquares.")
	x, n := base("x"), length("x")
	acc := s.sums(unroll)
	s.loop(n, unroll/2, func(u int, at func(reg.Register) Mem, tail bool) {
		v, high, low := s.vec(), s.vec(), s.vec()
		s.load(at(x), v, tail)
		if s.wide() {
			VEXTRACTF64X4(Imm(1), v, high.AsY())
		} else {
			VEXTRACTF128(Imm(1), v, high.AsX())
		}
		VCVTPS2PD(s.narrow(v), low)
		VCVTPS2PD(s.narrow(high), high)
		VFMADD231PD(low, low, acc[2*u])
		VFMADD231PD(high, high, acc[2*u+1])
	})
	r := s.fold(acc, func(a, b, c Op) { VADDPD(a, b, c) }).AsX()
	half := XMM()
	VPERMILPD(Imm(1), r, half)
	VADDPD(half, r, r)
	VZEROUPPER()
	Store(r, ReturnIndex(0))
	RET()
}

// elementwise writes what makes vectors of vectors.
func (s *set) elementwise() {
	s.each("scale", "func(alpha float32, x []float32)", "x", []string{"alpha"}, []string{"x"}, []string{"x"}, func(a, v []reg.VecVirtual) {
		VMULPS(a[0], v[0], v[0])
	})
	s.each("axpy", "func(alpha float32, x, y []float32)", "x", []string{"alpha"}, []string{"y", "x"}, []string{"y"}, func(a, v []reg.VecVirtual) {
		VFMADD231PS(v[1], a[0], v[0])
	})
	s.each("add", "func(dst, x, y []float32)", "x", nil, []string{"x", "y"}, []string{"dst"}, func(_, v []reg.VecVirtual) {
		VADDPS(v[1], v[0], v[0])
	})
	s.each("mulAdd", "func(dst []float32, alpha float32, x, y []float32)", "x", []string{"alpha"}, []string{"dst", "x", "y"}, []string{"dst"}, func(a, v []reg.VecVirtual) {
		VMULPS(a[0], v[1], v[1])
		VFMADD231PS(v[2], v[1], v[0])
	})
	s.each("scaleMul", "func(dst []float32, alpha float32, x, y []float32)", "x", []string{"alpha"}, []string{"x", "y"}, []string{"dst"}, func(a, v []reg.VecVirtual) {
		VMULPS(a[0], v[0], v[0])
		VMULPS(v[1], v[0], v[0])
	})
	norm := func(a, v []reg.VecVirtual) {
		VMULPS(v[1], v[0], v[0])
		VMULPS(a[0], v[0], v[0])
		VFNMADD231PS(v[2], a[1], v[0])
	}
	s.each("normGrad", "func(dx, dy, w, x []float32, s, c float32)", "dy", []string{"s", "c"}, []string{"dy", "w", "x"}, []string{"dx"}, norm)
	s.each("normGradAdd", "func(dx, dy, w, x []float32, s, c float32)", "dy", []string{"s", "c"}, []string{"dy", "w", "x", "dx"}, []string{"dx"}, func(a, v []reg.VecVirtual) {
		norm(a, v)
		VADDPS(v[3], v[0], v[0])
	})
	s.each("softmaxGrad", "func(grad, p []float32, scale, mean float32)", "p", []string{"scale", "mean"}, []string{"grad", "p"}, []string{"grad"}, func(a, v []reg.VecVirtual) {
		VSUBPS(a[1], v[0], v[0])
		VMULPS(a[0], v[1], v[1])
		VMULPS(v[1], v[0], v[0])
	})
	s.each("rotate", "func(x, y, cos, sin []float32, sign float32)", "cos", []string{"sign"}, []string{"x", "y", "cos", "sin"}, []string{"x", "y"}, func(a, v []reg.VecVirtual) {
		x, y, cos, sin, t := v[0], v[1], v[2], v[3], s.vec()
		VMULPS(a[0], sin, sin)
		VMULPS(sin, x, t)
		VMULPS(cos, x, x)
		VFNMADD231PS(sin, y, x)
		VFMADD213PS(t, cos, y)
	})
}

// each writes a function over elements: body gets scalars in all lanes and the
// vectors read, and leaves the results in the first of these.
func (s *set) each(name, signature, over string, scalars, reads, writes []string, body func(a, v []reg.VecVirtual)) {
	s.text(name, signature, "is isa."+name+".")
	a := make([]reg.VecVirtual, len(scalars))
	for i, p := range scalars {
		a[i] = s.broadcast(p)
	}
	n := length(over)
	ptr := map[string]reg.GPVirtual{}
	for _, p := range append(append([]string(nil), reads...), writes...) {
		if _, ok := ptr[p]; !ok {
			ptr[p] = base(p)
		}
	}
	s.loop(n, 1, func(_ int, at func(reg.Register) Mem, tail bool) {
		v := make([]reg.VecVirtual, len(reads))
		for i, p := range reads {
			v[i] = s.vec()
			s.load(at(ptr[p]), v[i], tail)
		}
		body(a, v)
		for i, p := range writes {
			s.store(v[i], at(ptr[p]), tail)
		}
	})
	VZEROUPPER()
	RET()
}
