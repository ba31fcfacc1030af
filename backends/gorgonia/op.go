package gorgonia

import (
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"runtime/debug"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// An op is a node's operation in gorgonia's graph, made of functions: one that
// computes and one that differentiates symbolically. It implements gorgonia's
// Op and SDOp.
type op struct {
	name  string
	typ   hm.Type      // of the result
	shape tensor.Shape // of the result; rows of activations are nominal
	// run computes the result from the nodes that the op reads.
	run func(in []*tensor.Dense) (G.Value, error)
	// diff returns the gradient of each node read, given the op's node and the
	// gradient of its result; nil where there is none.
	diff func(in G.Nodes, out, grad *G.Node) G.Nodes
	// wrt says which of the nodes read diff has gradients for; nil = none.
	wrt []bool
	// widths are the last dimension that each node read must have; 0 = any.
	widths []int

	tape  *tape
	id    int
	ins   []hm.Type // types of the nodes read and of those only waited for
	reads int       // how many of ins are read
	from  []*op     // that made them; nil = a parameter
	dense []*tensor.Dense

	buffer  *buffer // of the result, where the arena owns it
	readers int     // ops that read the result
	left    int     // of them, those yet to run

	stats []float32 // what the backward pass needs beside the result: a number or more a row
}

var _ G.SDOp = (*op)(nil)

// Do runs the op. A panic in gorgonia's machine would end the process: it
// becomes an error.
func (o *op) Do(in ...G.Value) (out G.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v\n%s", r, debug.Stack())
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", o.name, err)
			o.tape.fail(err)
		}
	}()
	if err := o.tape.ctx.Err(); err != nil {
		return nil, err
	}
	for i := range o.dense {
		d, ok := in[i].(*tensor.Dense)
		if !ok {
			return nil, fmt.Errorf("input %d is a %T", i, in[i])
		}
		o.dense[i] = d
	}
	o.left = o.readers
	if out, err = o.run(o.dense); err != nil {
		return nil, err
	}
	for _, f := range o.from {
		if f != nil {
			f.read()
		}
	}
	if o.readers == 0 {
		o.release()
	}
	return out, nil
}

// read notes that one reader of the result has run; the last frees its memory.
func (o *op) read() {
	if o.left--; o.left == 0 {
		o.release()
	}
}

func (o *op) release() {
	if o.buffer != nil {
		o.tape.arena.put(o.buffer)
		o.buffer = nil
	}
}

// matrix returns memory for the op's result, with undefined contents.
func (o *op) matrix(rows, cols int) (G.Value, []float32) {
	o.buffer = o.tape.arena.get(rows, cols)
	return o.buffer.dense, o.buffer.floats()
}

// inherit is matrix in the place of input i if the op is its last reader and the
// size is the same; the contents are then the input's.
func (o *op) inherit(i, rows, cols int) (G.Value, []float32) {
	f := o.from[i]
	if f == nil || f.left != 1 || f.buffer == nil || f.buffer.rows != rows || f.buffer.cols != cols {
		return o.matrix(rows, cols)
	}
	o.buffer, f.buffer = f.buffer, nil
	return o.buffer.dense, o.buffer.floats()
}

// The rest describes the op to gorgonia.

func (o *op) Arity() int           { return len(o.ins) }
func (o *op) ReturnsPtr() bool     { return true }
func (o *op) CallsExtern() bool    { return false }
func (o *op) OverwritesInput() int { return -1 }
func (o *op) String() string       { return o.name }

// Type builds the type anew at each call: gorgonia recycles what it is given.
func (o *op) Type() hm.Type {
	return hm.NewFnType(append(append([]hm.Type{}, o.ins...), o.typ)...)
}

// InferShape checks the shapes of what the op reads and returns that of its result.
func (o *op) InferShape(in ...G.DimSizer) (tensor.Shape, error) {
	for i, want := range o.widths {
		if shape, ok := in[i].(tensor.Shape); want != 0 && (!ok || shape[len(shape)-1] != want) {
			return nil, fmt.Errorf("input %d has shape %v, its last dimension should be %d", i, in[i], want)
		}
	}
	return o.shape.Clone(), nil
}

// WriteHash writes a number of the op's own: gorgonia takes nodes of one hash
// for one node.
func (o *op) WriteHash(h hash.Hash) { fmt.Fprintf(h, "%s #%d", o.name, o.id) }

func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o *op) DiffWRT(inputs int) []bool {
	wrt := make([]bool, inputs)
	copy(wrt, o.wrt)
	return wrt
}

// SymDiff extends the graph by the gradient's ops.
func (o *op) SymDiff(inputs G.Nodes, output, grad *G.Node) (G.Nodes, error) {
	if o.diff == nil {
		return nil, errors.New(o.name + " has no gradient")
	}
	grads := make(G.Nodes, len(inputs))
	copy(grads, o.diff(inputs[:o.reads], output, grad))
	return grads, o.tape.err
}
