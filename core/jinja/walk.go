package jinja

// walk calls visit for an expression and all it holds, in the order in which Jinja's visitors go.
func walk(x expr, visit func(expr)) {
	if x == nil {
		return
	}
	visit(x)
	for _, child := range children(x) {
		walk(child, visit)
	}
}

// children are the expressions directly in an expression; nil stands for one left out.
func children(x expr) []expr {
	switch x := x.(type) {
	case *tupleExpr:
		return x.items
	case *listExpr:
		return x.items
	case *dictExpr:
		var all []expr
		for i := range x.keys {
			all = append(all, x.keys[i], x.values[i])
		}
		return all
	case *condExpr:
		return []expr{x.test, x.then, x.orelse}
	case *logicExpr:
		return []expr{x.left, x.right}
	case *notExpr:
		return []expr{x.x}
	case *unaryExpr:
		return []expr{x.x}
	case *binaryExpr:
		return []expr{x.left, x.right}
	case *compareExpr:
		return append([]expr{x.first}, x.rest...)
	case *concatExpr:
		return x.items
	case *getattrExpr:
		return []expr{x.x}
	case *getitemExpr:
		return []expr{x.x, x.index}
	case *sliceExpr:
		return []expr{x.start, x.stop, x.step}
	case *callExpr:
		return append([]expr{x.fn}, x.args.all()...)
	case *filterExpr:
		return append([]expr{x.x}, x.args.all()...)
	case *testExpr:
		return append([]expr{x.x}, x.args.all()...)
	}
	return nil
}

func (a callArgs) all() []expr {
	all := append(append([]expr{}, a.pos...), a.kw...)
	return append(all, a.dynPos, a.dynKw)
}

// usage tells a walk over statements what a name is used for.
type usage struct {
	name  string
	store bool
	line  int
}

// usages calls visit for each use of a name in the statements and all they hold.
func usages(body []stmt, visit func(usage)) {
	for _, st := range body {
		statementUsages(st, visit)
	}
}

func statementUsages(st stmt, visit func(usage)) {
	switch st := st.(type) {
	case *outputStmt:
		loads(visit, st.items...)
	case *ifStmt:
		loads(visit, st.test)
		usages(st.body, visit)
		for _, elif := range st.elifs {
			statementUsages(elif, visit)
		}
		usages(st.orelse, visit)
	case *forStmt:
		stores(visit, st.target)
		loads(visit, st.iter)
		usages(st.body, visit)
		usages(st.orelse, visit)
		loads(visit, st.test)
	case *macroStmt:
		functionUsages(&st.macroBody, visit)
	case *callStmt:
		if st.call != nil {
			loads(visit, st.call)
		}
		functionUsages(&st.macroBody, visit)
	case *filterStmt:
		usages(st.body, visit)
		loads(visit, st.filter)
	case *setStmt:
		stores(visit, st.target)
		loads(visit, st.value)
	case *setBlockStmt:
		stores(visit, st.target)
		if st.filter != nil {
			loads(visit, st.filter)
		}
		usages(st.body, visit)
	case *withStmt:
		stores(visit, st.targets...)
		loads(visit, st.values...)
		usages(st.body, visit)
	}
}

func functionUsages(m *macroBody, visit func(usage)) {
	for _, param := range m.params {
		visit(usage{param.name, true, param.line()})
	}
	loads(visit, m.defaults...)
	usages(m.body, visit)
}

func loads(visit func(usage), xs ...expr) {
	for _, x := range xs {
		walk(x, func(x expr) {
			if n, ok := x.(*nameExpr); ok {
				visit(usage{n.name, false, n.line()})
			}
		})
	}
}

func stores(visit func(usage), targets ...expr) {
	for _, target := range targets {
		walk(target, func(x expr) {
			if n, ok := x.(*nameExpr); ok {
				visit(usage{n.name, true, n.line()})
			}
		})
	}
}

// undeclared says which of the names the statements load without having stored them before.
func undeclared(body []stmt, names ...string) map[string]bool {
	open := map[string]bool{}
	for _, name := range names {
		open[name] = true
	}
	found := map[string]bool{}
	usages(body, func(u usage) {
		if u.store {
			open[u.name] = false
		} else if open[u.name] {
			found[u.name] = true
		}
	})
	return found
}
