package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// conversions writes those of bfloat16, over whole vectors: the length is
// a multiple of lanes.
func (s *set) conversions() {
	s.convert("bf16ToF32", "func(dst []float32, src []uint16)", 4, 2, func(src Mem, dst Mem) {
		v := s.vec()
		s.widen(src, v)
		VMOVUPS(v, dst)
	})
	s.convert("f32ToBF16", "func(dst []uint16, src []float32)", 2, 4, s.toBF16)
}

func (s *set) convert(name, signature string, to, from int, body func(src, dst Mem)) {
	s.text(name, signature, "is isa."+name+" for whole vectors.")
	dst, src, n := base("dst"), base("src"), length("src")
	Label("loop")
	CMPQ(n, U32(s.lanes))
	JLT(LabelRef("end"))
	body(Mem{Base: src}, Mem{Base: dst})
	ADDQ(U32(from*s.lanes), src)
	ADDQ(U32(to*s.lanes), dst)
	SUBQ(U32(s.lanes), n)
	JMP(LabelRef("loop"))
	Label("end")
	VZEROUPPER()
	RET()
}

// toBF16 rounds to the nearest, ties to even: it adds 0x7fff and the last bit that
// stays. NaN is made quiet instead.
func (s *set) toBF16(src, dst Mem) {
	x, up, quiet := s.vec(), s.vec(), s.vec()
	VMOVUPS(src, x)
	VPSRLD(Imm(16), x, up)
	if s.wide() {
		nan := K()
		VCMPPS(Imm(3), x, x, nan)
		VPORD(s.integer(0x40), up, quiet)
		VPANDD(s.integer(1), up, up)
		VPADDD(s.integer(0x7fff), up, up)
		VPADDD(x, up, up)
		VPSRLD(Imm(16), up, up)
		VMOVDQA32(quiet, nan, up)
		VPMOVDW(up, dst)
		return
	}
	nan := s.vec()
	VCMPPS(Imm(3), x, x, nan)
	VPOR(s.integer(0x40), up, quiet)
	VPAND(s.integer(1), up, up)
	VPADDD(s.integer(0x7fff), up, up)
	VPADDD(x, up, up)
	VPSRLD(Imm(16), up, up)
	VPBLENDVB(nan, quiet, up, up)
	high := XMM()
	VEXTRACTI128(Imm(1), up, high)
	VPACKUSDW(high, up.AsX(), up.AsX())
	VMOVDQU(up.AsX(), dst)
}
