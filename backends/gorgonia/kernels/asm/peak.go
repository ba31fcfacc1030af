package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peak writes loops of fused multiply-adds (and bfloat16 dot products) on registers
// alone: the most that the processor can do. A round is 24 vectors with AVX-512 and
// 12 with AVX2.
func (s *set) peak() {
	s.peakLoop("fma", fma)
	if s.wide() {
		s.peakLoop("dot", dotBF16)
	}
}

func (s *set) peakLoop(name string, mul mulFunc) {
	s.text(name, "func(rounds int)", "runs rounds of independent instructions.")
	n, z := integer("rounds"), s.registers()
	sums := z[:3*len(z)/4]
	x, y := z[len(z)-1], z[len(z)-2]
	for _, v := range z {
		s.zero(v)
	}
	Label("loop")
	for _, v := range sums {
		mul(x, y, v)
	}
	DECQ(n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// amxPeak writes the same for the matrix extension: four sums of 16 x 16, 32 steps each.
func amxPeak() {
	TEXT("dotAMX", NOSPLIT, "func(rounds int, shape *[64]byte)")
	Doc("dotAMX runs rounds of independent instructions.")
	Load(Param("shape"), reg.RAX)
	tileConfigure()
	n := integer("rounds")
	Label("loop")
	for acc := range 4 {
		tileDot(acc, 4+acc/2, 6+acc%2)
	}
	DECQ(n)
	JNE(LabelRef("loop"))
	tileRelease()
	RET()
}
