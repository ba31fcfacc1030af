package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A set is an instruction set as the generators see it: vectors of one width and a
// way to handle their incomplete last one.
type set struct {
	suffix string // of function names
	lanes  int    // float32 in a vector
	mr     int    // rows of a register tile; it is two vectors wide

	consts map[string]Mem // constants of this file
	tail   Op             // mask of the incomplete vector
}

var sets = map[string]*set{
	"avx2":   {suffix: "AVX2", lanes: 8, mr: 6, consts: map[string]Mem{}},
	"avx512": {suffix: "AVX512", lanes: 16, mr: 14, consts: map[string]Mem{}},
}

func (s *set) wide() bool { return s.lanes == 16 }
func (s *set) bytes() int { return 4 * s.lanes }

// vec returns a fresh vector register.
func (s *set) vec() reg.VecVirtual {
	if s.wide() {
		return ZMM()
	}
	return YMM()
}

// narrow returns the lower half of a vector register.
func (s *set) narrow(v reg.VecVirtual) Op {
	if s.wide() {
		return v.AsY()
	}
	return v.AsX()
}

// text begins a function.
func (s *set) text(name, signature, doc string) {
	TEXT(name+s.suffix, NOSPLIT, signature)
	Doc(name + s.suffix + " " + doc)
}

// zero clears a vector.
func (s *set) zero(v Op) {
	if s.wide() {
		VPXORD(v, v, v)
		return
	}
	VXORPS(v, v, v)
}

// load reads a vector, or its first lanes and 0 for the rest.
func (s *set) load(m Mem, v Op, tail bool) {
	switch {
	case !tail:
		VMOVUPS(m, v)
	case s.wide():
		VMOVUPS_Z(m, s.tail, v)
	default:
		VMASKMOVPS(m, s.tail, v)
	}
}

// store writes a vector, or its first lanes.
func (s *set) store(v Op, m Mem, tail bool) {
	switch {
	case !tail:
		VMOVUPS(v, m)
	case s.wide():
		VMOVUPS(v, s.tail, m)
	default:
		VMASKMOVPS(v, s.tail, m)
	}
}

// keep replaces the lanes of v beyond the tail by those of other.
func (s *set) keep(v, other Op, tail bool) {
	switch {
	case !tail:
	case s.wide():
		VBLENDMPS(v, other, s.tail, v)
	default:
		VBLENDVPS(s.tail, v, other, v)
	}
}

// broadcast loads a float32 parameter into all lanes.
func (s *set) broadcast(param string) reg.VecVirtual {
	x, v := XMM(), s.vec()
	Load(Param(param), x)
	VBROADCASTSS(x, v)
	return v
}

// constant returns a constant in all lanes, in memory.
func (s *set) constant(v float32) Mem {
	return s.bits(fmt.Sprintf("f%08x", math.Float32bits(v)), math.Float32bits(v))
}

// integer returns an integer in all lanes, in memory.
func (s *set) integer(v uint32) Mem { return s.bits(fmt.Sprintf("i%08x", v), v) }

func (s *set) bits(name string, v uint32) Mem {
	if m, ok := s.consts[name]; ok {
		return m
	}
	m := GLOBL(name+s.suffix, RODATA|NOPTR)
	for i := range s.lanes {
		DATA(4*i, U32(v))
	}
	s.consts[name] = m
	return m
}

// tailMask sets s.tail for n remaining lanes, 0 < n < lanes.
func (s *set) tailMask(n reg.Register) {
	if s.wide() {
		ones, k := GP32(), K()
		MOVL(U32(0xffffffff), ones)
		BZHIL(n.(reg.GPVirtual).As32(), ones, ones)
		KMOVW(ones, k)
		s.tail = k
		return
	}
	table, ok := s.consts["tail"]
	if !ok {
		table = GLOBL("tail"+s.suffix, RODATA|NOPTR)
		for i := range 2 * s.lanes {
			var v uint32
			if i < s.lanes {
				v = math.MaxUint32
			}
			DATA(4*i, U32(v))
		}
		s.consts["tail"] = table
	}
	at, back, mask := GP64(), GP64(), YMM()
	LEAQ(table.Offset(4*s.lanes), at)
	MOVQ(n, back)
	NEGQ(back)
	VMOVUPS(Mem{Base: at, Index: back, Scale: 4}, mask)
	s.tail = mask
}

// loop runs body over n elements: unroll vectors at a time (u counts them), then
// one, then an incomplete one. body addresses its vector of a slice by at.
func (s *set) loop(n reg.GPVirtual, unroll int, body func(u int, at func(base reg.Register) Mem, tail bool)) {
	i := GP64()
	XORQ(i, i)
	vectors := func(label string, count int) {
		Label(label)
		CMPQ(n, U32(count*s.lanes))
		JLT(LabelRef(label + "_done"))
		for u := range count {
			body(u, func(base reg.Register) Mem {
				return Mem{Base: base, Index: i, Scale: 1, Disp: u * s.bytes()}
			}, false)
		}
		ADDQ(U32(count*s.bytes()), i)
		SUBQ(U32(count*s.lanes), n)
		JMP(LabelRef(label))
		Label(label + "_done")
	}
	if unroll > 1 {
		vectors("many", unroll)
	}
	vectors("one", 1)
	TESTQ(n, n)
	JE(LabelRef("end"))
	s.tailMask(n)
	body(0, func(base reg.Register) Mem { return Mem{Base: base, Index: i, Scale: 1} }, true)
	Label("end")
}

// base loads a slice parameter's address.
func base(name string) reg.GPVirtual { return Load(Param(name).Base(), GP64()).(reg.GPVirtual) }

// length loads a slice parameter's length.
func length(name string) reg.GPVirtual { return Load(Param(name).Len(), GP64()).(reg.GPVirtual) }

// integer loads an int parameter.
func integer(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// stride loads an int parameter that counts float32 as bytes.
func stride(name string, size int) reg.GPVirtual {
	r := integer(name)
	IMUL3Q(Imm(uint64(size)), r, r)
	return r
}
