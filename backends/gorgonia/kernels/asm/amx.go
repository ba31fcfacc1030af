package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// amx writes the tiles of Intel's matrix extension, one for the rows of one matrix
// register and one for those of two. Go's assembler knows none of its instructions.
//
// Registers 0 to 3 are sums, row by row; 4 and 5 hold A, 6 and 7 B.
func amx() {
	for rows := 1; rows <= 2; rows++ {
		amxTile(rows)
	}
}

const (
	amxUnit  = 16  // pairs in a row of a register
	amxLine  = 64  // bytes in it
	amxWidth = 128 // bytes in a panel's row: those of two registers
)

// amxTile is written for a number of registers below each other. Its own registers are
// physical ones, whose numbers are in the instructions' bytes.
func amxTile(high int) {
	TEXT(fmt.Sprintf("tile%dAMX", high), NOSPLIT, "func(tiles, k int, a []float32, rs int, b, c []float32, ldc int, load bool, shape *[64]byte)")
	Doc(fmt.Sprintf("tile%dAMX computes that many tiles below each other, of %d registers' rows of the given shape.", high, high),
		"A lies in rows, B is a panel of 32 columns, and k a multiple of 16 pairs.")
	a, rs, c, ldc, tiles := reg.RDX, reg.R8, reg.R10, reg.R12, reg.R13
	Load(Param("shape"), reg.RAX)
	tileConfigure()
	Load(Param("tiles"), tiles)
	Load(Param("a").Base(), a)
	Load(Param("rs"), rs)
	Load(Param("c").Base(), c)
	Load(Param("ldc"), ldc)
	SHLQ(Imm(2), rs)
	SHLQ(Imm(2), ldc)
	Label("tile")
	below := reg.R11
	rowsBelow(16, c, ldc, below)
	amxSums(high, c, below, ldc)
	amxProducts(high, a, rs)
	for r, p := range []reg.GPPhysical{c, below}[:high] {
		tileMove(storeTile, 2*r, p, ldc, 0)
		tileMove(storeTile, 2*r+1, p, ldc, amxLine)
	}
	rowsBelow(32, a, rs, a)
	rowsBelow(32, c, ldc, c)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	tileRelease()
	RET()
}

// rowsBelow sets to = from + rows*stride for a power of two.
func rowsBelow(rows uint64, from, stride, to reg.GPPhysical) {
	distance := reg.R14
	MOVQ(stride, distance)
	SHLQ(Imm(uint64(bits.TrailingZeros64(rows))), distance)
	LEAQ(Mem{Base: from, Index: distance, Scale: 1}, to)
}

// amxSums sets the sums to C and asks for the lines of the tile below, or to 0 and asks
// for C's own, as set.loadOrClear.
func amxSums(high int, c, below, ldc reg.GPPhysical) {
	load, p, n := reg.RAX, reg.RSI, reg.RCX
	Load(Param("load"), load.As8())
	TESTB(load.As8(), load.As8())
	JE(LabelRef("clear"))
	for r, from := range []reg.GPPhysical{c, below}[:high] {
		tileMove(loadTile, 2*r, from, ldc, 0)
		tileMove(loadTile, 2*r+1, from, ldc, amxLine)
	}
	rowsBelow(32, c, ldc, p)
	JMP(LabelRef("ask"))
	Label("clear")
	for t := range 2 * high {
		tileZero(t)
	}
	MOVQ(c, p)
	Label("ask")
	MOVQ(U32(16*high), n)
	Label("row")
	PREFETCHT0(Mem{Base: p})
	PREFETCHT0(Mem{Base: p, Disp: amxLine})
	ADDQ(ldc, p)
	DECQ(n)
	JNE(LabelRef("row"))
}

// amxProducts adds all of k to the sums.
func amxProducts(high int, rows, rs reg.GPPhysical) {
	a, below, b, width, k := reg.RSI, reg.RDI, reg.RBX, reg.R9, reg.RCX
	MOVQ(rows, a)
	rowsBelow(16, a, rs, below)
	MOVQ(U32(amxWidth), width)
	Load(Param("b").Base(), b)
	Load(Param("k"), k)
	Label("loop")
	tileMove(loadTile, 6, b, width, 0)
	tileMove(loadTile, 4, a, rs, 0)
	tileDot(0, 4, 6)
	tileMove(loadTile, 7, b, width, amxLine)
	tileDot(1, 4, 7)
	ADDQ(Imm(amxLine), a)
	if high == 2 {
		tileMove(loadTile, 5, below, rs, 0)
		tileDot(2, 5, 6)
		tileDot(3, 5, 7)
		ADDQ(Imm(amxLine), below)
	}
	ADDQ(U32(amxUnit*amxWidth), b)
	SUBQ(Imm(amxUnit), k)
	JNE(LabelRef("loop"))
}

// The last bits of the second byte of a VEX prefix tell these two apart.
const (
	storeTile = 0x7a
	loadTile  = 0x7b
)

// tileMove emits TILELOADD or TILESTORED of rows that are stride bytes apart.
func tileMove(kind byte, tile int, base, stride reg.GPPhysical, disp byte) {
	b, x := byte(base.PhysicalIndex()), byte(stride.PhysicalIndex())
	rawBytes(0xc4, 2|0x80|(x>>3^1)<<6|(b>>3^1)<<5, kind, 0x4b, 0x44|byte(tile)<<3, (x&7)<<3|b&7, disp)
}

// tileConfigure emits LDTILECFG (AX), which sets the registers' rows and columns.
func tileConfigure() { rawBytes(0xc4, 0xe2, 0x78, 0x49, 0x00) }

// tileRelease emits TILERELEASE: threads are switched faster without registers in use.
func tileRelease() { rawBytes(0xc4, 0xe2, 0x78, 0x49, 0xc0) }

// tileZero emits TILEZERO.
func tileZero(tile int) { rawBytes(0xc4, 0xe2, 0x7b, 0x49, byte(0xc0|tile<<3)) }

// tileDot emits TDPBF16PS: acc += x·y.
func tileDot(acc, x, y int) {
	rawBytes(0xc4, 0xe2, 0x02|byte(^y&15)<<3, 0x5c, byte(0xc0|acc<<3|x))
}

// rawBytes emits an instruction that Go's assembler does not know.
func rawBytes(bytes ...byte) {
	for _, b := range bytes {
		raw("BYTE", U8(b))
	}
}
