package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// optimizers writes the steps of AdamW and RMSprop.
func (s *set) optimizers() {
	s.adamW()
	s.rmsProp()
}

// fields broadcasts the first n float32 of the struct that c points to.
func (s *set) fields(n int) []reg.VecVirtual {
	c := Load(Param("c"), GP64())
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = s.vec()
		VBROADCASTSS(Mem{Base: c, Disp: 4 * i}, v[i])
	}
	return v
}

func (s *set) adamW() {
	s.text("adamW", "func(c *[8]float32, w, g, m, v []float32)", "is isa.adamW.")
	f := s.fields(8)
	decay, scale, oneMinusB1, beta2, oneMinusB2, rootC2, eps, step := f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]
	wp, gp, mp, vp, n := base("w"), base("g"), base("m"), base("v"), length("w")
	s.loop(n, 1, func(_ int, at func(reg.Register) Mem, tail bool) {
		w, g, m, v, t := s.vec(), s.vec(), s.vec(), s.vec(), s.vec()
		s.load(at(gp), g, tail)
		s.load(at(mp), m, tail)
		s.load(at(vp), v, tail)
		VMULPS(scale, g, g)
		VSUBPS(m, g, t)
		VFMADD231PS(t, oneMinusB1, m)
		s.store(m, at(mp), tail)
		VMULPS(beta2, v, v)
		VMULPS(oneMinusB2, g, t)
		VFMADD231PS(g, t, v)
		s.store(v, at(vp), tail)
		VSQRTPS(v, v)
		VDIVPS(rootC2, v, v)
		VADDPS(eps, v, v)
		s.load(at(wp), w, tail)
		VMULPS(decay, w, w)
		VMULPS(step, m, m)
		VDIVPS(v, m, m)
		VADDPS(m, w, w)
		s.store(w, at(wp), tail)
	})
	VZEROUPPER()
	RET()
}

func (s *set) rmsProp() {
	s.text("rmsProp", "func(c *[6]float32, w, g, v []float32)", "is isa.rmsProp.")
	f := s.fields(6)
	scale, decay, alpha, oneMinusAlpha, eps, step := f[0], f[1], f[2], f[3], f[4], f[5]
	wp, gp, vp, n := base("w"), base("g"), base("v"), length("w")
	s.loop(n, 1, func(_ int, at func(reg.Register) Mem, tail bool) {
		w, g, v, t := s.vec(), s.vec(), s.vec(), s.vec()
		s.load(at(wp), w, tail)
		s.load(at(gp), g, tail)
		s.load(at(vp), v, tail)
		VMULPS(scale, g, g)
		VFMADD231PS(decay, w, g)
		VMULPS(alpha, v, v)
		VMULPS(oneMinusAlpha, g, t)
		VFMADD231PS(g, t, v)
		s.store(v, at(vp), tail)
		VSQRTPS(v, v)
		VADDPS(eps, v, v)
		VMULPS(step, g, g)
		VDIVPS(v, g, g)
		VADDPS(g, w, w)
		s.store(w, at(wp), tail)
	})
	VZEROUPPER()
	RET()
}
