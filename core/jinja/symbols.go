package jinja

// Jinja decides at compile time where each name of a template lies, and chat templates come to depend on it: see
// jinja2/idtracking.py, whose rules these are.

// loadKind is how a variable gets its value when its scope is entered.
type loadKind int

const (
	loadParameter loadKind = iota // set by whoever enters
	loadResolve                   // from the context by name
	loadAlias                     // from the same name in an outer scope
	loadUndefined                 // not there yet
)

type load struct {
	kind loadKind
	slot int
	name string
	from ref
}

// frame is one scope of a template as the analysis found it.
type frame struct {
	parent *frame
	slots  map[string]int
	loads  []load
}

// find is where a name lies as seen from the frame.
func (f *frame) find(name string) (ref, bool) {
	for up := 0; f != nil; f, up = f.parent, up+1 {
		if slot, ok := f.slots[name]; ok {
			return ref{up, slot}, true
		}
	}
	return ref{}, false
}

// symbols collects the names of one frame in the order in which its statements use them.
type symbols struct {
	parent *frame
	order  []string
	loads  map[string]loadKind
	stores map[string]bool
}

func newSymbols(parent *frame) *symbols {
	return &symbols{parent: parent, loads: map[string]loadKind{}, stores: map[string]bool{}}
}

func (s *symbols) define(name string, kind loadKind) {
	if _, ok := s.loads[name]; !ok {
		s.order = append(s.order, name)
	}
	s.loads[name] = kind
}

func (s *symbols) has(name string) bool {
	_, ok := s.loads[name]
	return ok
}

func (s *symbols) outer(name string) bool {
	_, ok := s.parent.find(name)
	return ok
}

func (s *symbols) param(name string) {
	s.stores[name] = true
	s.define(name, loadParameter)
}

func (s *symbols) store(name string) {
	s.stores[name] = true
	if s.has(name) {
		return
	}
	if s.outer(name) {
		s.define(name, loadAlias)
	} else {
		s.define(name, loadUndefined)
	}
}

func (s *symbols) load(name string) {
	if !s.has(name) && !s.outer(name) {
		s.define(name, loadResolve)
	}
}

func (s *symbols) copy() *symbols {
	c := newSymbols(s.parent)
	for _, name := range s.order {
		c.define(name, s.loads[name])
	}
	for name := range s.stores {
		c.stores[name] = true
	}
	return c
}

// merge takes in the branches of an if: a name that one of them stores and that was not stored before keeps, where
// that branch is not taken, the value it has outside.
func (s *symbols) merge(branches ...*symbols) {
	stored := map[string]bool{}
	for _, b := range branches {
		for name := range b.stores {
			stored[name] = !s.stores[name]
		}
	}
	for _, b := range branches {
		for _, name := range b.order {
			s.define(name, b.loads[name])
		}
		for name := range b.stores {
			s.stores[name] = true
		}
	}
	for name, fresh := range stored {
		if fresh && s.outer(name) {
			s.define(name, loadAlias)
		} else if fresh {
			s.define(name, loadResolve)
		}
	}
}

// frame fixes the slots of the names.
func (s *symbols) frame() *frame {
	f := &frame{parent: s.parent, slots: make(map[string]int, len(s.order))}
	for slot, name := range s.order {
		f.slots[name] = slot
		l := load{kind: s.loads[name], slot: slot, name: name}
		if l.kind == loadAlias {
			l.from, _ = s.parent.find(name)
			l.from.up++ // as seen from the new scope
		}
		f.loads = append(f.loads, l)
	}
	return f
}

func (s *symbols) statements(body []stmt) {
	for _, st := range body {
		s.statement(st)
	}
}

// statement notes the names that a statement uses in the frame it stands in.
func (s *symbols) statement(st stmt) {
	switch st := st.(type) {
	case *outputStmt:
		s.exprs(st.items)
	case *ifStmt:
		s.ifStatement(st)
	case *forStmt:
		s.expr(st.iter)
	case *macroStmt:
		s.store(st.target.name)
	case *callStmt:
		if st.call != nil {
			s.expr(st.call)
		}
	case *filterStmt:
		s.expr(st.filter)
	case *setStmt:
		s.expr(st.value)
		s.target(st.target, s.store)
	case *setBlockStmt:
		s.target(st.target, s.store)
	case *withStmt:
		s.exprs(st.values)
	}
}

func (s *symbols) ifStatement(st *ifStmt) {
	s.expr(st.test)
	body, elifs, orelse := s.copy(), s.copy(), s.copy()
	body.statements(st.body)
	for _, elif := range st.elifs {
		elifs.ifStatement(elif)
	}
	orelse.statements(st.orelse)
	s.merge(body, elifs, orelse)
}

// target notes an assignment's names by store or param.
func (s *symbols) target(target expr, note func(string)) {
	switch t := target.(type) {
	case *nameExpr:
		note(t.name)
	case *nsExpr:
		s.load(t.name)
	case *tupleExpr:
		for _, item := range t.items {
			s.target(item, note)
		}
	}
}

func (s *symbols) exprs(xs []expr) {
	for _, x := range xs {
		s.expr(x)
	}
}

func (s *symbols) expr(x expr) {
	walk(x, func(x expr) {
		switch x := x.(type) {
		case *nameExpr:
			s.load(x.name)
		case *nsExpr:
			s.load(x.name)
		}
	})
}
