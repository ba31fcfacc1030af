package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// activations writes what takes exponentials.
func (s *set) activations() {
	s.expSum("expSum", "func(dst, x []float32, scale, shift float32) float32", true)
	s.expSum("sumExp", "func(x []float32, scale, shift float32) float32", false)
	s.swiGLU()
	s.swiGLUGrad()
}

// exponential holds the registers that stay loaded over a loop.
type exponential struct {
	*set
	low, high reg.VecVirtual
}

func (s *set) exponential() exponential {
	e := exponential{s, s.vec(), s.vec()}
	VMOVUPS(s.constant(-104), e.low) // e^-104 rounds to 0
	VMOVUPS(s.constant(89), e.high)  // e^89 is infinite
	return e
}

// emit replaces x by e^x: 2^n·e^r with |r| <= ln(2)/2 and the polynomial of Cephes'
// expf (Moshier 1989), 1 unit in the last place.
func (e exponential) emit(x reg.VecVirtual) {
	n, p := e.vec(), e.vec()
	VMAXPS(x, e.low, x) // x where it is NaN
	VMINPS(x, e.high, x)
	VMULPS(e.constant(math.Log2E), x, n)
	if e.wide() {
		VRNDSCALEPS(Imm(8), n, n)
	} else {
		VROUNDPS(Imm(8), n, n)
	}
	VFNMADD231PS(e.constant(0.693359375), n, x)
	VFNMADD231PS(e.constant(-2.12194440e-4), n, x)
	VMOVUPS(e.constant(1.9875691500e-4), p)
	for _, c := range []float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		VFMADD213PS(e.constant(c), x, p)
	}
	square := e.vec()
	VMULPS(x, x, square)
	VFMADD213PS(x, square, p)
	VADDPS(e.constant(1), p, p)
	e.scale2(p, n, x)
}

// scale2 sets x = p·2^n, where n goes from -151 to 129.
func (e exponential) scale2(p, n, x reg.VecVirtual) {
	if e.wide() {
		VSCALEFPS(n, p, x)
		return
	}
	// In two factors, as 2^n alone may be no normal number.
	half := e.vec()
	VCVTPS2DQ(n, n)
	VPSRAD(Imm(1), n, half)
	VPSUBD(half, n, n)
	for _, part := range []reg.VecVirtual{half, n} {
		VPADDD(e.integer(127), part, part)
		VPSLLD(Imm(23), part, part)
		VMULPS(part, p, p)
	}
	VMOVAPS(p, x)
}

func (s *set) expSum(name, signature string, keep bool) {
	s.text(name, signature, "is isa."+name+".")
	scale, shift := s.broadcast("scale"), s.broadcast("shift")
	x, n := base("x"), length("x")
	var dst reg.GPVirtual
	if keep {
		dst = base("dst")
	}
	e := s.exponential()
	acc := s.sums(unroll)
	none := s.vec()
	s.zero(none)
	s.loop(n, unroll, func(u int, at func(reg.Register) Mem, tail bool) {
		v := s.vec()
		s.load(at(x), v, tail)
		VFMSUB213PS(shift, scale, v)
		e.emit(v)
		if keep {
			s.store(v, at(dst), tail)
		}
		s.keep(v, none, tail)
		VADDPS(v, acc[u], acc[u])
	})
	s.result(acc, add)
}

// onePlus returns 1+e^-x, whose inverse is the sigmoid.
func (e exponential) onePlus(x reg.VecVirtual) reg.VecVirtual {
	v := e.vec()
	e.zero(v)
	VSUBPS(x, v, v)
	e.emit(v)
	VADDPS(e.constant(1), v, v)
	return v
}

func (s *set) swiGLU() {
	s.text("swiGLU", "func(y, gate, up []float32)", "is isa.swiGLU.")
	y, gate, up, n := base("y"), base("gate"), base("up"), length("gate")
	e := s.exponential()
	s.loop(n, 1, func(_ int, at func(reg.Register) Mem, tail bool) {
		x, u := s.vec(), s.vec()
		s.load(at(gate), x, tail)
		s.load(at(up), u, tail)
		VDIVPS(e.onePlus(x), x, x)
		VMULPS(u, x, x)
		s.store(x, at(y), tail)
	})
	VZEROUPPER()
	RET()
}

func (s *set) swiGLUGrad() {
	s.text("swiGLUGrad", "func(dgate, dup, gate, up, dy []float32)", "is isa.swiGLUGrad.")
	dgate, dup, gate, up, dy, n := base("dgate"), base("dup"), base("gate"), base("up"), base("dy"), length("gate")
	e := s.exponential()
	s.loop(n, 1, func(_ int, at func(reg.Register) Mem, tail bool) {
		x, u, d, one := s.vec(), s.vec(), s.vec(), s.vec()
		s.load(at(gate), x, tail)
		s.load(at(up), u, tail)
		s.load(at(dy), d, tail)
		VMOVUPS(s.constant(1), one)
		sigma := s.vec()
		VDIVPS(e.onePlus(x), one, sigma)
		silu, rest := s.vec(), s.vec()
		VMULPS(sigma, x, silu)
		VMULPS(d, u, u)
		VMULPS(silu, d, d)
		VSUBPS(sigma, one, rest)
		VFMADD213PS(one, x, rest) // 1 + x·(1-σ)
		VMULPS(sigma, rest, rest)
		VMULPS(rest, u, u)
		s.store(d, at(dup), tail)
		s.store(u, at(dgate), tail)
	})
	VZEROUPPER()
	RET()
}
