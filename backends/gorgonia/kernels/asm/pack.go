package main

import (
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packers writes what copies operands into panels.
func (s *set) packers() {
	s.transpose("transpose", "func(dst []float32, ldd int, src []float32, lds, k int)", 4)
	s.transpose("transposeBF16", "func(dst []float32, ldd int, src []uint16, lds, k int)", 2)
	s.rows("rows", "float32", 4, 1, func(src, _ reg.GPVirtual, v reg.VecVirtual) { VMOVUPS(Mem{Base: src}, v) })
	s.rows("rowsBF16", "uint16", 2, 1, func(src, _ reg.GPVirtual, v reg.VecVirtual) { s.widen(Mem{Base: src}, v) })
	if s.wide() {
		s.rows("pairs", "uint16", 2, 2, s.pair)
	}
}

// widen loads bfloat16 as float32.
func (s *set) widen(m Mem, v Op) {
	VPMOVZXWD(m, v)
	VPSLLD(Imm(16), v, v)
}

// pair loads bfloat16 from a row and the next, those of the first into the lower
// halves.
func (s *set) pair(src, ld reg.GPVirtual, v reg.VecVirtual) {
	high := s.vec()
	VPMOVZXWD(Mem{Base: src}, v)
	VPMOVZXWD(Mem{Base: src, Index: ld, Scale: 1}, high)
	VPSLLD(Imm(16), high, high)
	VPORD(high, v, v)
}

// rows writes a copy of k steps, each of them step rows, to panels.
func (s *set) rows(name, element string, size, step int, load func(src, ld reg.GPVirtual, v reg.VecVirtual)) {
	s.text(name, "func(dst []float32, width, panel int, src []"+element+", ld, count, panels, k int)", "is isa."+name+".")
	dst, src, k := base("dst"), base("src"), integer("k")
	width, panel, ld, count := stride("width", 4), stride("panel", 4), stride("ld", size), stride("count", size)
	to, from, n := GP64(), GP64(), GP64()
	Label("step")
	MOVQ(dst, to)
	MOVQ(src, from)
	Load(Param("panels"), n)
	Label("panel")
	v := s.vec()
	load(from, ld, v)
	VMOVUPS(v, Mem{Base: to})
	ADDQ(panel, to)
	ADDQ(count, from)
	DECQ(n)
	JNE(LabelRef("panel"))
	ADDQ(width, dst)
	for range step {
		ADDQ(ld, src)
	}
	DECQ(k)
	JNE(LabelRef("step"))
	VZEROUPPER()
	RET()
}

// transpose writes a copy of squares of lanes rows into columns. It asks for the rows that
// follow, which are next: of each row too little is read at a time for the processor to
// see it coming.
func (s *set) transpose(name, signature string, size int) {
	s.text(name, signature, "is isa."+name+".")
	dst, src, k := base("dst"), base("src"), integer("k")
	ldd, lds := stride("ldd", 4), stride("lds", size)
	three := GP64()
	LEAQ(Mem{Base: lds, Index: lds, Scale: 2}, three)
	TESTQ(k, k)
	JE(LabelRef("done"))
	ahead := GP64()
	MOVQ(lds, ahead)
	SHLQ(Imm(uint64(bits.TrailingZeros(uint(s.lanes)))), ahead)
	Label("loop")
	v := make([]reg.VecVirtual, s.lanes)
	p, next := GP64(), GP64()
	MOVQ(src, p)
	LEAQ(Mem{Base: src, Index: ahead, Scale: 1}, next)
	for i := range v {
		v[i] = s.vec()
		m := [4]Mem{{Base: p}, {Base: p, Index: lds, Scale: 1}, {Base: p, Index: lds, Scale: 2}, {Base: p, Index: three, Scale: 1}}[i%4]
		if size == 4 {
			VMOVUPS(m, v[i])
		} else {
			s.widen(m, v[i])
		}
		m.Base = next
		PREFETCHT0(m)
		if i%4 == 3 && i < s.lanes-1 {
			LEAQ(Mem{Base: p, Index: lds, Scale: 4}, p)
			LEAQ(Mem{Base: next, Index: lds, Scale: 4}, next)
		}
	}
	for _, column := range s.columns(v) {
		VMOVUPS(column, Mem{Base: dst})
		ADDQ(ldd, dst)
	}
	ADDQ(U32(size*s.lanes), src)
	SUBQ(U32(s.lanes), k)
	JNE(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// columns transposes a square of rows in registers: pairs of rows, then pairs of
// pairs, give 4 x 4 squares in 128-bit parts, which are then transposed as wholes.
func (s *set) columns(v []reg.VecVirtual) []reg.VecVirtual {
	n := len(v)
	apply := func(i, j int, low, high func(a, b, c Op)) {
		t := s.vec()
		high(v[j], v[i], t)
		low(v[j], v[i], v[i])
		v[j] = t
	}
	for i := 0; i < n; i += 2 {
		apply(i, i+1, func(a, b, c Op) { VUNPCKLPS(a, b, c) }, func(a, b, c Op) { VUNPCKHPS(a, b, c) })
	}
	for i := 0; i < n; i += 4 {
		for j := i; j < i+2; j++ {
			apply(j, j+2, func(a, b, c Op) { VUNPCKLPD(a, b, c) }, func(a, b, c Op) { VUNPCKHPD(a, b, c) })
		}
		// Columns 0..3 of each part are now in rows i, i+2, i+1, i+3.
		v[i+1], v[i+2] = v[i+2], v[i+1]
	}
	if n == 8 {
		for i := range 4 {
			apply(i, i+4, func(a, b, c Op) { VPERM2F128(Imm(0x20), a, b, c) }, func(a, b, c Op) { VPERM2F128(Imm(0x31), a, b, c) })
		}
		return v
	}
	// Row 4r+c holds, in part q, column 4q+c of rows 4r to 4r+3.
	even := func(a, b, c Op) { VSHUFF32X4(Imm(0x88), a, b, c) }
	odd := func(a, b, c Op) { VSHUFF32X4(Imm(0xdd), a, b, c) }
	for c := range 4 {
		apply(c, c+4, even, odd)
		apply(c+8, c+12, even, odd)
		apply(c, c+8, even, odd)
		apply(c+4, c+12, even, odd)
	}
	return v
}
