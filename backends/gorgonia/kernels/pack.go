package kernels

import (
	"math"
	"unsafe"
)

// An operand is A or B of a product seen from the outside: lane i is row i of A or
// column i of B.
type operand struct {
	f32        []float32 // one of the two
	bf16       []uint16
	ld         int
	contiguous bool // (lane i, step l) is at i*ld+l, else at l*ld+i
}

func operandOf[T Element](x []T, ld int, contiguous bool) operand {
	o := operand{ld: ld, contiguous: contiguous}
	switch x := any(x).(type) {
	case []float32:
		o.f32 = x
	case []uint16:
		o.bf16 = x
	}
	return o
}

// at returns the operand as the tiles read it from (lane, step) on, with the strides of
// lanes and steps: the float32 operand, or the bfloat16 one as pairs.
func (o *operand) at(lane, step int) (x []float32, lanes, steps int) {
	if o.f32 == nil {
		pairs, ld := o.asPairs()
		return pairs[lane*ld+step:], ld, 1
	}
	if o.contiguous {
		return o.f32[lane*o.ld+step:], o.ld, 1
	}
	return o.f32[step*o.ld+lane:], 1, o.ld
}

// pack copies n lanes from first on, and w's block of steps, into panels of count
// lanes: step l of lane i of a panel is at l*width+i. Lanes of a panel that are not
// in use hold anything.
func (o *operand) pack(w *workspace, dst []float32, width, count, first, n int) {
	if o.contiguous {
		for i := 0; i < n; i += count {
			o.packColumns(w, w.panel(dst, i/count, width), width, first+i, min(count, n-i))
		}
	} else {
		o.packRows(w, dst, width, count, first, n)
	}
	for i := 0; i < n; i += count {
		clear(w.panel(dst, i/count, width)[w.kn*width : w.padded(w.kn)*width])
	}
}

// packByRows copies n lanes from first on, and w's block of steps in pairs, for a tile
// that reads rows: step l of lane i is at i*rowStride(w.kn)+l, and zeros follow.
func (o *operand) packByRows(w *workspace, dst []float32, first, n int) {
	stride, k := rowStride(w.kn), w.padded(w.kn)
	if o.contiguous {
		for i := range n {
			lane := halvesOf(dst[i*stride:][:k])
			steps := copy(lane, o.bf16[o.index(first+i, 2*w.l):][:min(2*w.kn, w.k-2*w.l)])
			clear(lane[steps:])
		}
		return
	}
	lanes := active.lanes
	for i := 0; i < n; i += lanes {
		o.pack(w, w.lanes, lanes, lanes, first+i, min(lanes, n-i))
		for l := 0; l < k; l += lanes {
			active.transpose(dst[i*stride+l:], stride, w.lanes[l*lanes:], lanes, lanes)
		}
	}
}

// rowStride is the distance of packed rows of k elements: an odd number of lines, so that
// rows do not fall on the same sets of the cache.
func rowStride(k int) int { return whole(k) | 16 }

// halvesOf returns a packed row as bfloat16.
func halvesOf(x []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(&x[0])), 2*len(x))
}

// packColumns packs one panel of lanes that are contiguous in k: it transposes them.
func (o *operand) packColumns(w *workspace, dst []float32, width, first, n int) {
	src, ld, whole := o.f32, o.ld, w.kn
	if w.dot {
		src, ld = o.asPairs()
		whole = min(whole, w.k/2-w.l)
		if src == nil {
			whole = 0
		}
	}
	whole = whole / active.lanes * active.lanes
	for i := 0; i < n && whole > 0; i += active.lanes {
		o.transpose(w, dst[i:], width, src, (first+i)*ld+w.l, ld, min(active.lanes, n-i), whole)
	}
	o.packSteps(w, dst[whole*width:], width, first, n, w.l+whole, w.kn-whole)
}

// transpose packs n lanes of k steps from an index of src on, or of o's bfloat16
// where src is nil.
func (o *operand) transpose(w *workspace, dst []float32, width int, src []float32, from, ld, n, k int) {
	length := len(src)
	if src == nil {
		length = len(o.bf16)
	}
	switch {
	case n < active.lanes && !holds(length, from, ld, active.lanes, k):
		for r := range n {
			lane := w.lanes[r*w.kc : r*w.kc+k]
			if at := from + r*ld; src == nil {
				active.bf16ToF32(lane, o.bf16[at:at+k])
			} else {
				copy(lane, src[at:])
			}
		}
		active.transpose(dst, width, w.lanes, w.kc, k)
	case src == nil:
		active.transposeBF16(dst, width, o.bf16[from:], ld, k)
	default:
		active.transpose(dst, width, src[from:], ld, k)
	}
}

// holds reports whether lanes rows of n elements from the given place on lie within
// length.
func holds(length, from, ld, lanes, n int) bool { return from+(lanes-1)*ld+n <= length }

// packRows packs lanes that lie side by side, a step of all panels after the other. The
// last steps, where whole vectors would reach beyond the operand, go one by one.
func (o *operand) packRows(w *workspace, dst []float32, width, count, first, n int) {
	panels, stride := (n+count-1)/count, o.row(w, 1)
	from := o.row(w, w.l) + first
	reach := panels*count + active.lanes // at least what is read of a step
	fit := max(0, min(w.kn, w.k*o.ld/stride-w.l, (o.end(w)-from-reach+stride)/stride))
	for i := 0; i < count && fit > 0; i += active.lanes {
		o.move(dst[i:], width, w.panelSize(width), w.dot, from+i, count, panels, fit)
	}
	for i := 0; i < n; i += count {
		rest := w.panel(dst, i/count, width)[fit*width:]
		o.packSteps(w, rest, width, first+i, min(count, n-i), w.l+fit, w.kn-fit)
	}
}

// row returns the index of the step's first lane: of the first of two rows in pairs.
func (o *operand) row(w *workspace, step int) int {
	if w.dot {
		step *= 2
	}
	return step * o.ld
}

// end returns where lanes of a step must end: a row before the operand's end in pairs.
func (o *operand) end(w *workspace) int {
	if w.dot {
		return len(o.bf16) - o.ld
	}
	return len(o.f32) + len(o.bf16)
}

// move runs the packer for rows.
func (o *operand) move(dst []float32, width, panel int, pairs bool, from, count, panels, k int) {
	switch {
	case pairs:
		active.pairs(dst, width, panel, o.bf16[from:], o.ld, count, panels, k)
	case o.f32 != nil:
		active.rows(dst, width, panel, o.f32[from:], o.ld, count, panels, k)
	default:
		active.rowsBF16(dst, width, panel, o.bf16[from:], o.ld, count, panels, k)
	}
}

// packSteps packs one by one what the packers cannot.
func (o *operand) packSteps(w *workspace, dst []float32, width, first, n, l, steps int) {
	for s := range steps {
		for i := range n {
			dst[s*width+i] = o.step(w, first+i, l+s)
		}
	}
}

// step returns step l of a lane as the tiles read it.
func (o *operand) step(w *workspace, lane, l int) float32 {
	if !w.dot {
		return o.value(lane, l)
	}
	pair := uint32(o.bf16[o.index(lane, 2*l)])
	if 2*l+1 < w.k {
		pair |= uint32(o.bf16[o.index(lane, 2*l+1)]) << 16
	}
	return math.Float32frombits(pair)
}

func (o *operand) index(lane, l int) int {
	if o.contiguous {
		return lane*o.ld + l
	}
	return l*o.ld + lane
}

func (o *operand) value(lane, l int) float32 {
	if o.f32 != nil {
		return o.f32[o.index(lane, l)]
	}
	return bf16(o.bf16[o.index(lane, l)])
}

// asPairs returns the bfloat16 operand as 32-bit elements, two steps in each, or
// nil where its leading dimension is odd.
func (o *operand) asPairs() (x []float32, ld int) {
	if o.ld%2 != 0 || len(o.bf16) < 2 {
		return nil, 0
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&o.bf16[0])), len(o.bf16)/2), o.ld / 2
}
