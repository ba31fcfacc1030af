package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tiles writes the register tiles, a function for each number of rows.
func (s *set) tiles() {
	for rows := 1; rows <= s.mr; rows++ {
		s.tile(rows, "tile", fma)
	}
	for rows := 1; rows <= s.mr; rows++ {
		s.panelTile(rows)
	}
	for rows := 1; rows <= s.mr && s.wide(); rows++ {
		s.tile(rows, "dotTile", dotBF16)
	}
}

// A mulFunc emits acc += x·y.
type mulFunc func(x, y, acc reg.VecPhysical)

// fma is acc += x·y.
func fma(x, y, acc reg.VecPhysical) { VFMADD231PS(x, y, acc) }

// dotBF16 is acc += x·y of pairs of bfloat16: VDPBF16PS, EVEX.512.F3.0F38.W0 52,
// which Go's assembler does not know.
func dotBF16(x, y, acc reg.VecPhysical) {
	rm, v, r := uint64(x.PhysicalIndex()), uint64(y.PhysicalIndex()), uint64(acc.PhysicalIndex())
	not := func(n uint64, bit int) uint64 { return n>>bit&1 ^ 1 }
	p0 := not(r, 3)<<7 | not(rm, 4)<<6 | not(rm, 3)<<5 | not(r, 4)<<4 | 2
	p1 := (^v&15)<<3 | 1<<2 | 2
	p2 := uint64(2)<<5 | not(v, 4)<<3
	raw("LONG", U32(0x62|p0<<8|p1<<16|p2<<24))
	raw("WORD", U16(0x52|(0xc0|r&7<<3|rm&7)<<8))
}

func raw(opcode string, imm Op) {
	Instruction(&ir.Instruction{Opcode: opcode, Operands: []Op{imm}})
}

// registers returns all vector registers.
func (s *set) registers() []reg.VecPhysical {
	if s.wide() {
		return []reg.VecPhysical{
			reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
			reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
		}
	}
	return []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	}
}

// tile writes the tile of the given rows by two vectors. Its sums stay in registers
// over all of k.
func (s *set) tile(rows int, name string, mul mulFunc) {
	s.text(fmt.Sprintf("%s%d", name, rows), "func(k int, a []float32, rs, ks int, b []float32, bs int, c []float32, ldc int, load bool)",
		fmt.Sprintf("is tiling.tile for %d rows.", rows))
	z := s.registers()
	b0, b1, x, acc := z[0], z[1], z[2], z[len(z)-2*rows:]
	k, a, b := integer("k"), base("a"), base("b")
	rs, ks, bs := stride("rs", 4), stride("ks", 4), stride("bs", 4)
	s.loadOrClear(rows, acc)
	row := rowsOf(rows, a, rs)
	Label("loop")
	VMOVUPS(Mem{Base: b}, b0)
	VMOVUPS(Mem{Base: b, Disp: s.bytes()}, b1)
	ADDQ(bs, b)
	for r := range rows {
		VBROADCASTSS(row.at[r], x)
		mul(b0, x, acc[2*r])
		mul(b1, x, acc[2*r+1])
	}
	for _, p := range row.pointers {
		ADDQ(ks, p)
	}
	DECQ(k)
	JNE(LabelRef("loop"))
	s.endTile(rows, acc)
}

// panelTile writes the tile for packed panels of A and B, which needs no strides: four
// steps of k go through displacements, and where an instruction can broadcast its own
// operand every second row does: one instruction less, but one more load, of which
// there may be fewer. Tiles are bound by the instructions decoded where two threads
// share a core.
func (s *set) panelTile(rows int) {
	s.text(fmt.Sprintf("panelTile%d", rows), "func(k int, a, b, c []float32, ldc int, load bool)",
		fmt.Sprintf("is tiling.tile for %d rows of packed panels.", rows))
	const stepsLog2 = 2
	z := s.registers()
	b0, b1, x, acc := z[0], z[1], z[2], z[len(z)-2*rows:]
	k, a, b, n := integer("k"), base("a"), base("b"), GP64()
	s.loadOrClear(rows, acc)
	steps := func(count int) {
		for u := range count {
			VMOVUPS(Mem{Base: b, Disp: 2 * u * s.bytes()}, b0)
			VMOVUPS(Mem{Base: b, Disp: (2*u + 1) * s.bytes()}, b1)
			for r := range rows {
				at := Mem{Base: a, Disp: 4 * (u*s.mr + r)}
				if s.wide() && r%2 == 1 {
					VFMADD231PS_BCST(at, b0, acc[2*r])
					VFMADD231PS_BCST(at, b1, acc[2*r+1])
					continue
				}
				VBROADCASTSS(at, x)
				fma(b0, x, acc[2*r])
				fma(b1, x, acc[2*r+1])
			}
		}
		ADDQ(Imm(uint64(4*count*s.mr)), a)
		ADDQ(U32(2*count*s.bytes()), b)
	}
	MOVQ(k, n)
	SHRQ(Imm(stepsLog2), n)
	JE(LabelRef("rest"))
	Label("loop")
	steps(1 << stepsLog2)
	DECQ(n)
	JNE(LabelRef("loop"))
	Label("rest")
	ANDQ(Imm(1<<stepsLog2-1), k)
	JE(LabelRef("end"))
	Label("one")
	steps(1)
	DECQ(k)
	JNE(LabelRef("one"))
	Label("end")
	s.endTile(rows, acc)
}

// endTile writes the sums to C.
func (s *set) endTile(rows int, acc []reg.VecPhysical) {
	c, ldc := base("c"), stride("ldc", 4)
	for r := range rows {
		VMOVUPS(acc[2*r], Mem{Base: c})
		VMOVUPS(acc[2*r+1], Mem{Base: c, Disp: s.bytes()})
		if r < rows-1 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}

// loadOrClear sets the sums to C and asks for the lines of the tile below, which is
// next; or it sets them to 0 and asks for C's own: the stores at the tile's end would
// wait for them.
func (s *set) loadOrClear(rows int, acc []reg.VecPhysical) {
	load, c, ldc := Load(Param("load"), GP8()), base("c"), stride("ldc", 4)
	TESTB(load, load)
	JE(LabelRef("clear"))
	next := GP64()
	IMUL3Q(Imm(uint64(rows)), ldc, next)
	ADDQ(c, next)
	for r := range rows {
		VMOVUPS(Mem{Base: c}, acc[2*r])
		VMOVUPS(Mem{Base: c, Disp: s.bytes()}, acc[2*r+1])
		s.prefetchRow(next)
		if r < rows-1 {
			ADDQ(ldc, c)
			ADDQ(ldc, next)
		}
	}
	JMP(LabelRef("start"))
	Label("clear")
	for r := range rows {
		s.prefetchRow(c)
		if r < rows-1 {
			ADDQ(ldc, c)
		}
	}
	for _, v := range acc {
		s.zero(v)
	}
	Label("start")
}

// prefetchRow asks for the lines of a tile's row, wherever in a line it begins.
func (s *set) prefetchRow(c reg.GPVirtual) {
	const line = 64
	for at := 0; at < 2*s.bytes(); at += line {
		PREFETCHT0(Mem{Base: c, Disp: at})
	}
	PREFETCHT0(Mem{Base: c, Disp: 2*s.bytes() - 1})
}

// rowAddresses address rows at any stride from few pointers.
type rowAddresses struct {
	at       []Mem
	pointers []reg.GPVirtual
}

func rowsOf(rows int, a, rs reg.GPVirtual) rowAddresses {
	r := rowAddresses{at: make([]Mem, rows)}
	three := GP64()
	if rows > 3 {
		LEAQ(Mem{Base: rs, Index: rs, Scale: 2}, three)
	}
	// A pointer at row p reaches these rows from p on.
	reach := []struct {
		row   int
		index reg.GPVirtual
		scale uint8
	}{{0, nil, 0}, {1, rs, 1}, {2, rs, 2}, {3, three, 1}, {4, rs, 4}, {6, three, 2}, {8, rs, 8}, {12, three, 4}}
	set := make([]bool, rows)
	for _, first := range []int{0, 7, 5} {
		if first >= rows {
			continue
		}
		p := a
		if first > 0 {
			p = GP64()
			IMUL3Q(Imm(uint64(first)), rs, p)
			ADDQ(a, p)
		}
		r.pointers = append(r.pointers, p)
		for _, to := range reach {
			if i := first + to.row; i < rows && !set[i] {
				set[i] = true
				r.at[i] = Mem{Base: p, Scale: 1}
				if to.index != nil {
					r.at[i] = Mem{Base: p, Index: to.index, Scale: to.scale}
				}
			}
		}
	}
	return r
}
