package jinja

import (
	"math"
	"math/big"
	"math/bits"
	"strings"
)

// maxIntBits bounds the ints a template can make.
const maxIntBits = 1 << 17

// binary is Python's arithmetic.
func (rt *runtime) binary(op string, a, b Value) (Value, error) {
	if _, isText := text(a); op == "%" && isText {
		return rt.percent(a, b)
	}
	for _, v := range []Value{a, b} {
		if u, ok := v.(*Undefined); ok {
			return nil, u.fail()
		}
	}
	if isNumber(a) && isNumber(b) {
		return numeric(op, a, b)
	}
	switch op {
	case "+":
		return rt.add(a, b)
	case "*":
		return rt.repeatEither(a, b)
	}
	return nil, operandError(op, a, b)
}

func operandError(op string, a, b Value) error {
	if op == "**" {
		op = "** or pow()"
	}
	return typeError("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(a), typeName(b))
}

// add joins texts and sequences.
func (rt *runtime) add(a, b Value) (Value, error) {
	left, leftText := text(a)
	right, rightText := text(b)
	if leftText && rightText {
		return rt.joinTexts(a, b, left, right)
	}
	x, okA := sequence(a)
	y, okB := sequence(b)
	_, listA := a.(*List)
	_, listB := b.(*List)
	switch {
	case okA && okB && listA == listB:
		if err := rt.alloc(itemSize * (len(x) + len(y))); err != nil {
			return nil, err
		}
		all := append(append(make([]Value, 0, len(x)+len(y)), x...), y...)
		if listA {
			return &List{all}, nil
		}
		return newTuple(all...), nil
	case leftText:
		return nil, typeError(`can only concatenate str (not "%s") to str`, typeName(b))
	case okA:
		kind := "tuple"
		if listA {
			kind = "list"
		}
		return nil, typeError(`can only concatenate %s (not "%s") to %s`, kind, typeName(b), kind)
	}
	return nil, operandError("+", a, b)
}

func (rt *runtime) joinTexts(a, b Value, left, right string) (Value, error) {
	_, markupA := a.(Markup)
	_, markupB := b.(Markup)
	if markupA != markupB {
		if markupA {
			right = escapeHTML(right)
		} else {
			left = escapeHTML(left)
		}
	}
	if err := rt.alloc(len(left) + len(right)); err != nil {
		return nil, err
	}
	return like(left+right, markupA || markupB), nil
}

// like is a text, marked safe where markup says so.
func like(s string, markup bool) Value {
	if markup {
		return Markup(s)
	}
	return s
}

func (rt *runtime) repeatEither(a, b Value) (Value, error) {
	if isSequence(a) {
		return rt.repeat(a, b)
	}
	if isSequence(b) {
		return rt.repeat(b, a)
	}
	return nil, operandError("*", a, b)
}

func isSequence(v Value) bool {
	_, isText := text(v)
	_, isSeq := sequence(v)
	return isText || isSeq
}

func (rt *runtime) repeat(v, times Value) (Value, error) {
	if _, ok := bigInt(times); !ok {
		return nil, typeError("can't multiply sequence by non-int of type '%s'", typeName(times))
	}
	count, err := index(times)
	if err != nil {
		return nil, err
	}
	n := max(count, 0)
	s, isText := text(v)
	seq, _ := sequence(v)
	size := int64(len(s) + itemSize*len(seq))
	if hi, lo := bits.Mul64(uint64(n), uint64(size)); hi > 0 || lo > math.MaxInt32 {
		return nil, raise(LimitError, "the template makes too much text")
	}
	if err := rt.alloc(int(n * size)); err != nil {
		return nil, err
	}
	if isText {
		_, markup := v.(Markup)
		if s == "" {
			n = 0
		}
		return like(strings.Repeat(s, int(n)), markup), nil
	}
	var all []Value
	for range min(n, n*int64(len(seq))) {
		all = append(all, seq...)
	}
	if _, ok := v.(*List); ok {
		return &List{all}, nil
	}
	return newTuple(all...), nil
}

// numeric is arithmetic of two numbers.
func numeric(op string, a, b Value) (Value, error) {
	if x, ok := smallInt(a); ok {
		if y, ok := smallInt(b); ok {
			if v, ok := smallNumeric(op, x, y); ok {
				return v, nil
			}
		}
	}
	x, okA := bigInt(a)
	y, okB := bigInt(b)
	if okA && okB {
		return bigNumeric(op, x, y)
	}
	f, okA := finite(a)
	g, okB := finite(b)
	if !okA || !okB {
		return nil, raise("OverflowError", "int too large to convert to float")
	}
	return floatNumeric(op, f, g)
}

// finite is a number as a float, where an int is not too large for one.
func finite(v Value) (float64, bool) {
	f, _ := float(v)
	_, isFloat := v.(float64)
	return f, isFloat || !math.IsInf(f, 0)
}

// smallNumeric does the sums that stay within int64.
func smallNumeric(op string, a, b int64) (Value, bool) {
	const half = 1 << 31
	switch op {
	case "+":
		sum := a + b
		return sum, (sum > a) == (b > 0)
	case "-":
		diff := a - b
		return diff, (diff < a) == (b > 0)
	case "*":
		if a > -half && a < half && b > -half && b < half {
			return a * b, true
		}
	}
	return nil, false
}

func bigNumeric(op string, a, b *big.Int) (Value, error) {
	if a.BitLen() > maxIntBits || b.BitLen() > maxIntBits {
		return nil, raise(LimitError, "the template makes too large an integer")
	}
	switch op {
	case "+":
		return normInt(new(big.Int).Add(a, b)), nil
	case "-":
		return normInt(new(big.Int).Sub(a, b)), nil
	case "*":
		return normInt(new(big.Int).Mul(a, b)), nil
	case "**":
		return bigPower(a, b)
	}
	if b.Sign() == 0 {
		switch op {
		case "/":
			return nil, raise("ZeroDivisionError", "division by zero")
		case "//":
			return nil, raise("ZeroDivisionError", "integer division or modulo by zero")
		}
		return nil, raise("ZeroDivisionError", "integer modulo by zero")
	}
	if op == "/" {
		f, _ := new(big.Rat).SetFrac(a, b).Float64()
		if math.IsInf(f, 0) {
			return nil, raise("OverflowError", "integer division result too large for a float")
		}
		return f, nil
	}
	q, m := new(big.Int).QuoRem(a, b, new(big.Int))
	if m.Sign() != 0 && m.Sign() != b.Sign() {
		q.Sub(q, big.NewInt(1))
		m.Add(m, b)
	}
	if op == "//" {
		return normInt(q), nil
	}
	return normInt(m), nil
}

func bigPower(a, b *big.Int) (Value, error) {
	if b.Sign() < 0 {
		f, okA := finite(a)
		g, okB := finite(b)
		if !okA || !okB {
			return nil, raise("OverflowError", "int too large to convert to float")
		}
		return floatNumeric("**", f, g)
	}
	if a.BitLen() > 1 && (!b.IsInt64() || int64(a.BitLen())*b.Int64() > maxIntBits || b.Int64() > maxIntBits) {
		return nil, raise(LimitError, "the template makes too large an integer")
	}
	if a.BitLen() <= 1 { // 0, 1 or -1
		b = new(big.Int).SetUint64(uint64(b.Bit(0)) + 2*uint64(min(b.BitLen(), 2)/2))
	}
	return normInt(new(big.Int).Exp(a, b, nil)), nil
}

func floatNumeric(op string, a, b float64) (Value, error) {
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "**":
		return floatPower(a, b)
	}
	if b == 0 {
		name := map[string]string{"/": "float division by zero", "//": "float floor division by zero", "%": "float modulo"}
		return nil, raise("ZeroDivisionError", "%s", name[op])
	}
	if op == "/" {
		return a / b, nil
	}
	div, mod := floatDivMod(a, b)
	if op == "//" {
		return div, nil
	}
	return mod, nil
}

// floatDivMod is CPython's float_divmod.
func floatDivMod(a, b float64) (div, mod float64) {
	mod = math.Mod(a, b)
	div = (a - mod) / b
	if mod != 0 {
		if (b < 0) != (mod < 0) {
			mod += b
			div--
		}
	} else {
		mod = math.Copysign(0, b)
	}
	if div == 0 {
		return math.Copysign(0, a/b), mod
	}
	floor := math.Floor(div)
	if div-floor > 0.5 {
		floor++
	}
	return floor, mod
}

func floatPower(a, b float64) (Value, error) {
	if a == 0 && b < 0 {
		return nil, raise("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	}
	if a < 0 && b != math.Trunc(b) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return nil, unsupported("complex numbers, which a negative number to a fraction's power is")
	}
	f := math.Pow(a, b)
	if math.IsInf(f, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return nil, raise("OverflowError", "(34, 'Numerical result out of range')")
	}
	return f, nil
}

// unary is + or - of a value.
func unary(op string, v Value) (Value, error) {
	if u, ok := v.(*Undefined); ok {
		return nil, u.fail()
	}
	if f, ok := v.(float64); ok {
		if op == "-" {
			return -f, nil
		}
		return f, nil
	}
	n, ok := bigInt(v)
	if !ok {
		return nil, typeError("bad operand type for unary %s: '%s'", op, typeName(v))
	}
	if op == "-" {
		n = new(big.Int).Neg(n)
	}
	return normInt(n), nil
}
