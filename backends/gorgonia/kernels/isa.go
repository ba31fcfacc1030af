package kernels

// An isa is one instruction set's versions of the inner loops. Slices of one call
// have one length unless said otherwise; none checks. Every function's result
// depends on the values and the length alone, not on alignment.
type isa struct {
	name string

	tiles tiling  // products of float32
	dots  *tiling // products of pairs of bfloat16, or nil

	// transpose copies lanes rows of k elements, a multiple of lanes, to columns: from
	// src[i*lds+l] to dst[l*ldd+i], l ascending, so that lanes beyond ldd are
	// overwritten by the next step.
	lanes         int
	transpose     func(dst []float32, ldd int, src []float32, lds, k int)
	transposeBF16 func(dst []float32, ldd int, src []uint16, lds, k int) // widening
	// rows copies lanes lanes of k steps to panels: from src[l*ld+p*count+i] to
	// dst[p*panel+l*width+i], l ascending.
	rows     func(dst []float32, width, panel int, src []float32, ld, count, panels, k int)
	rowsBF16 func(dst []float32, width, panel int, src []uint16, ld, count, panels, k int) // widening
	// pairs is rows where step l takes row 2l into the lower half and row 2l+1 into the upper.
	pairs func(dst []float32, width, panel int, src []uint16, ld, count, panels, k int)

	max         func(x []float32) float32                            // -Inf for none
	expSum      func(dst, x []float32, scale, shift float32) float32 // dst = e^(scale·x - shift); returns Σ dst
	sumExp      func(x []float32, scale, shift float32) float32      // the sum alone
	sumSquares  func(x []float32) float64
	dot         func(x, y []float32) float32
	dot3        func(x, y, z []float32) float32
	scale       func(alpha float32, x []float32)
	axpy        func(alpha float32, x, y []float32)                // y += alpha·x
	add         func(dst, x, y []float32)                          // dst = x + y
	mulAdd      func(dst []float32, alpha float32, x, y []float32) // dst += alpha·x·y
	scaleMul    func(dst []float32, alpha float32, x, y []float32) // dst = (alpha·x)·y
	normGrad    func(dx, dy, w, x []float32, s, c float32)         // dx = s·w·dy - c·x
	normGradAdd func(dx, dy, w, x []float32, s, c float32)         // dx += the same
	softmaxGrad func(g, p []float32, scale, mean float32)          // g = scale·p·(g - mean)
	swiGLU      func(y, gate, up []float32)
	swiGLUGrad  func(dgate, dup, gate, up, dy []float32)
	rotate      func(x, y, cos, sin []float32, sign float32) // x, y = x·cos - sign·y·sin, y·cos + sign·x·sin
	adamW       func(c *[8]float32, w, g, m, v []float32)    // c as AdamW.constants
	rmsProp     func(c *[6]float32, w, g, v []float32)       // c as RMSprop.constants

	bf16ToF32 func(dst []float32, src []uint16)
	f32ToBF16 func(dst []uint16, src []float32)
}

// A tiling is a register tile and what it asks of packed operands.
type tiling struct {
	// tile computes c[0:rows, 0:nr] = a·b, or += where load is set, for rows <= mr:
	// element (i,l) of a is a[i*rs+l*ks], row l of b is b[l*bs : l*bs+nr].
	tile   tileFunc
	mr, nr int
	// blockTiles is how many tiles high a block of A is.
	blockTiles int
	// unit, where it is not 0, is what k must be a multiple of: the tile reads A by rows
	// (ks = 1), and takes any number of them.
	unit int
}

// padded returns k rounded up to what the tile can take.
func (t *tiling) padded(k int) int {
	if t.unit == 0 {
		return k
	}
	return ceilDiv(k, t.unit) * t.unit
}

// tileFunc is the type of tiling.tile.
type tileFunc func(rows, k int, a []float32, rs, ks int, b []float32, bs int, c []float32, ldc int, load bool)

// active is the instruction set in use, the best that the processor has.
var active = best()

func best() *isa {
	sets := available()
	return sets[len(sets)-1]
}
