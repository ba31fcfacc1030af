package jinja

import (
	"math"
	"math/big"
	"strings"
)

// equal is Python's a == b.
func (rt *runtime) equal(a, b Value) (bool, error) { return rt.equalDepth(a, b, 0) }

func (rt *runtime) equalDepth(a, b Value, depth int) (bool, error) {
	if depth > maxRecursion {
		return false, errRecursion
	}
	if err := rt.use(1); err != nil {
		return false, err
	}
	if isNumber(a) && isNumber(b) {
		c, ok := compareNumbers(a, b)
		return ok && c == 0, nil
	}
	if s, ok := text(a); ok {
		t, ok := text(b)
		return ok && s == t, rt.use(min(len(s), len(t)) / 64)
	}
	switch a := a.(type) {
	case *Undefined:
		_, ok := b.(*Undefined)
		return ok, nil
	case *List:
		if b, ok := b.(*List); ok {
			return rt.equalItems(a.Items, b.Items, depth)
		}
		return false, nil
	case *Tuple:
		if b, ok := b.(*Tuple); ok {
			return rt.equalItems(a.Items, b.Items, depth)
		}
		return false, nil
	case *Object:
		if b, ok := b.(*Object); ok {
			return rt.equalDicts(a, b, depth)
		}
		return false, nil
	case *Range:
		if b, ok := b.(*Range); ok {
			return equalRanges(a, b), nil
		}
		return false, nil
	}
	return a == b, nil
}

func (rt *runtime) equalItems(a, b []Value, depth int) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if same, err := rt.equalDepth(a[i], b[i], depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (rt *runtime) equalDicts(a, b *Object, depth int) (bool, error) {
	if a.Len() != b.Len() {
		return false, nil
	}
	for i, key := range a.keys {
		other, ok, err := rt.lookup(b, key)
		if err != nil || !ok {
			return false, err
		}
		if same, err := rt.equalDepth(a.values[i], other, depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func equalRanges(a, b *Range) bool {
	n := a.len()
	return n == b.len() && (n == 0 || a.start == b.start && (n == 1 || a.step == b.step))
}

// compareNumbers orders two numbers exactly; not ok where one is NaN.
func compareNumbers(a, b Value) (int, bool) {
	x, okA := bigInt(a)
	y, okB := bigInt(b)
	if okA && okB {
		return x.Cmp(y), true
	}
	f, _ := float(a)
	g, _ := float(b)
	if math.IsNaN(f) || math.IsNaN(g) {
		return 0, false
	}
	if math.IsInf(f, 0) || math.IsInf(g, 0) || okA == okB {
		return compareFloats(a, b, f, g), true
	}
	return exact(a).Cmp(exact(b)), true
}

// compareFloats orders floats of which one may stand for an int too large for one.
func compareFloats(a, b Value, f, g float64) int {
	if f == g {
		if n, ok := a.(*big.Int); ok {
			return -n.Sign()
		}
		if n, ok := b.(*big.Int); ok {
			return n.Sign()
		}
		return 0
	}
	if f < g {
		return -1
	}
	return 1
}

func exact(v Value) *big.Rat {
	if n, ok := bigInt(v); ok {
		return new(big.Rat).SetInt(n)
	}
	f, _ := float(v)
	return new(big.Rat).SetFloat64(f)
}

// order is Python's a < b, a <= b, a > b or a >= b.
func (rt *runtime) order(op string, a, b Value) (bool, error) { return rt.orderDepth(op, a, b, 0) }

func (rt *runtime) orderDepth(op string, a, b Value, depth int) (bool, error) {
	if depth > maxRecursion {
		return false, errRecursion
	}
	if err := rt.use(1); err != nil {
		return false, err
	}
	for _, v := range []Value{a, b} {
		if u, ok := v.(*Undefined); ok {
			return false, u.fail()
		}
	}
	if isNumber(a) && isNumber(b) {
		c, ok := compareNumbers(a, b)
		return ok && ordered(op, c), nil
	}
	s, okA := text(a)
	t, okB := text(b)
	if okA && okB {
		return ordered(op, strings.Compare(s, t)), rt.use(min(len(s), len(t)) / 64)
	}
	x, okA := sequence(a)
	y, okB := sequence(b)
	_, listA := a.(*List)
	_, listB := b.(*List)
	if okA && okB && listA == listB {
		return rt.orderItems(op, x, y, depth)
	}
	return false, typeError("'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
}

func (rt *runtime) orderItems(op string, a, b []Value, depth int) (bool, error) {
	for i := range min(len(a), len(b)) {
		same, err := rt.equalDepth(a[i], b[i], depth+1)
		if err != nil {
			return false, err
		}
		if !same {
			return rt.orderDepth(op, a[i], b[i], depth+1)
		}
	}
	return ordered(op, len(a)-len(b)), nil
}

func ordered(op string, c int) bool {
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// compare is any comparison.
func (rt *runtime) compare(op string, a, b Value) (bool, error) {
	switch op {
	case "==":
		return rt.equal(a, b)
	case "!=":
		same, err := rt.equal(a, b)
		return !same, err
	case "in":
		return rt.contains(b, a)
	case "not in":
		found, err := rt.contains(b, a)
		return !found, err
	}
	return rt.order(op, a, b)
}

// contains is Python's item in container.
func (rt *runtime) contains(container, item Value) (bool, error) {
	if s, ok := text(container); ok {
		sub, ok := text(item)
		if !ok {
			return false, typeError("'in <string>' requires string as left operand, not %s", typeName(item))
		}
		return strings.Contains(s, sub), rt.use(len(s) / 64)
	}
	switch c := container.(type) {
	case *Object:
		_, ok, err := rt.lookup(c, item)
		return ok, err
	case *View:
		if c.kind == "dict_keys" {
			_, ok, err := rt.lookup(c.dict, item)
			return ok, err
		}
	}
	found := false
	it, err := rt.iterate(container)
	if err != nil {
		return false, typeError("argument of type '%s' is not iterable", typeName(container))
	}
	for !found {
		v, ok, err := it.next()
		if err != nil || !ok {
			return false, err
		}
		if found, err = rt.equal(v, item); err != nil {
			return false, err
		}
	}
	return found, nil
}
