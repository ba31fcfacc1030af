package gorgonia

import (
	"runtime"

	"gorgonia.org/tensor"
)

// An arena lends matrices to ops for as long as other ops read them. What comes
// back is lent again, so that a step in the steady state allocates nothing and
// the memory held is the most that was ever in use at a time.
type arena struct {
	rows int               // that each buffer can hold
	free map[int][]*buffer // by columns
	held int64             // floats in all buffers

	borrowers []func() // that forget the buffers they still refer to
}

// A buffer is memory for a matrix.
type buffer struct {
	memory     []float32
	dense      *tensor.Dense // of the rows and columns at hand
	rows, cols int
	width      int // columns that memory was made for
}

func (b *buffer) floats() []float32 { return b.memory[:b.rows*b.cols] }

// reserve makes room for matrices of so many rows. All buffers must be free; if
// they are too small they are dropped.
func (a *arena) reserve(rows int) {
	if rows > a.rows {
		a.drop()
		a.rows = rows
	}
}

// drop lets go of all buffers, lent ones too, before others are made.
func (a *arena) drop() {
	if a.held == 0 {
		return
	}
	for _, forget := range a.borrowers {
		forget()
	}
	a.free, a.held = nil, 0
	runtime.GC()
}

// get lends a matrix of no more rows than reserved.
func (a *arena) get(rows, cols int) *buffer {
	list := a.free[cols]
	if n := len(list); n > 0 {
		b := list[n-1]
		a.free[cols] = list[:n-1]
		b.shape(rows, cols)
		return b
	}
	b := &buffer{memory: make([]float32, a.rows*cols), width: cols}
	a.held += int64(len(b.memory))
	b.shape(rows, cols)
	return b
}

func (a *arena) put(b *buffer) {
	if a.free == nil {
		a.free = map[int][]*buffer{}
	}
	a.free[b.width] = append(a.free[b.width], b)
}

func (b *buffer) shape(rows, cols int) {
	if b.dense == nil || b.rows != rows || b.cols != cols {
		b.rows, b.cols = rows, cols
		b.dense = dense(b.memory[:rows*cols], rows, cols)
	}
}

// dense makes a tensor of the floats without copying.
func dense(floats []float32, rows, cols int) *tensor.Dense {
	return tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(floats))
}
