package gorgonia

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// nominal is the number of rows that activations have in the graph. The machine
// does not compare shapes when running, so that one graph serves every batch.
const nominal = 2

// A tape is a graph of ops and the machine that runs it.
type tape struct {
	graph   *G.ExprGraph
	machine G.VM
	arena   *arena
	makers  map[*G.Node]*op
	made    G.Nodes // by ops, in order

	ctx context.Context
	err error // of the first op that failed, at building or running
}

func newTape(a *arena) *tape {
	t := &tape{graph: G.NewGraph(), arena: a, makers: map[*G.Node]*op{}, ctx: context.Background()}
	a.borrowers = append(a.borrowers, t.forget)
	return t
}

// fail keeps the first error: gorgonia's wrapping hides causes from errors.Is.
func (t *tape) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

var (
	matrixType  = G.TensorType{Dims: 2, Of: tensor.Float32}
	vectorType  = G.TensorType{Dims: 1, Of: tensor.Float32}
	weightsType = G.TensorType{Dims: 1, Of: tensor.Float64}
)

// input adds a parameter to the graph.
func (t *tape) input(name string, value *tensor.Dense) *G.Node {
	typ := G.TensorType{Dims: value.Dims(), Of: value.Dtype()}
	return G.NewTensor(t.graph, typ.Of.(tensor.Dtype), typ.Dims, G.WithName(name), G.WithShape(value.Shape()...), G.WithValue(value))
}

// apply adds an op that reads some nodes and runs after others. After a fault it
// returns nil and does nothing; build reports the fault.
func (t *tape) apply(o *op, reads G.Nodes, after ...*G.Node) *G.Node {
	if t.err != nil {
		return nil
	}
	o.tape, o.id, o.reads = t, len(t.made), len(reads)
	o.dense = make([]*tensor.Dense, len(reads))
	all := append(append(G.Nodes{}, reads...), after...)
	o.ins = make([]hm.Type, len(all))
	for i, n := range all {
		o.ins[i] = n.Type()
	}
	o.from = make([]*op, len(reads))
	for i, n := range reads {
		if maker := t.makers[n]; maker != nil {
			o.from[i] = maker
			maker.readers++
		}
	}
	node, err := G.ApplyOp(o, all...)
	if err == nil && node.Op() != G.Op(o) {
		err = errors.New("gorgonia took its node for another's")
	}
	if err != nil {
		t.fail(fmt.Errorf("%s: %w", o.name, err))
		return nil
	}
	t.makers[node] = o
	t.made = append(t.made, node)
	return node
}

// differentiating is held while gorgonia differentiates: its constants are
// shared by all graphs.
var differentiating sync.Mutex

// differentiate extends the graph by the gradient of a scalar.
func (t *tape) differentiate(cost *G.Node, wrt G.Nodes) {
	if t.err != nil {
		return
	}
	differentiating.Lock()
	defer differentiating.Unlock()
	if _, err := G.Grad(cost, wrt...); err != nil {
		t.fail(err)
	}
}

// build compiles the graph.
func (t *tape) build() error {
	if t.err != nil {
		return fmt.Errorf("build the graph: %w", t.err)
	}
	seen := map[uint32]*G.Node{}
	for _, n := range t.graph.AllNodes() {
		h := n.Hashcode()
		if other, ok := seen[h]; ok {
			return fmt.Errorf("build the graph: nodes %v and %v have one hash", n, other)
		}
		seen[h] = n
	}
	t.machine = G.NewTapeMachine(t.graph)
	return nil
}

// forget makes nodes let go of the results that they are bound to, whose memory
// would outlive the arena.
func (t *tape) forget() {
	empty := map[int]*tensor.Dense{}
	for node, o := range t.makers {
		if node.Value() == nil || !o.typ.Eq(matrixType) {
			continue
		}
		width := o.shape[1]
		if empty[width] == nil || !empty[width].Shape().Eq(o.shape) {
			empty[width] = dense(make([]float32, o.shape.TotalSize()), o.shape[0], width)
		}
		if err := G.UnsafeLet(node, empty[width]); err != nil {
			t.fail(err)
		}
	}
}

// run runs the graph once. If an op fails, memory that is lent stays lent, so
// the arena is emptied.
func (t *tape) run(ctx context.Context) error {
	t.ctx, t.err = ctx, nil
	err := t.machine.RunAll()
	t.machine.Reset()
	if t.err != nil {
		err = t.err
	}
	if err != nil {
		for _, o := range t.makers {
			o.buffer = nil
		}
		t.arena.drop()
	}
	return err
}
