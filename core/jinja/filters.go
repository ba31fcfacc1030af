package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// filterFunc is a filter; the first argument is the value it stands on.
type filterFunc func(rt *runtime, a *args) (Value, error)

// filters are Jinja's filters.
var filters map[string]filterFunc

// omittedFilters are those that no template uses: their results are random, or made for people to look at.
var omittedFilters = map[string]bool{"pprint": true, "random": true, "urlize": true, "wordwrap": true}

func init() {
	filters = map[string]filterFunc{
		"abs": absFilter, "attr": attrFilter, "batch": batchFilter, "capitalize": textFilter("capitalize", capitalize),
		"center": centerFilter, "count": lengthFilter, "d": defaultFilter, "default": defaultFilter,
		"dictsort": dictsortFilter, "e": escapeFilter, "escape": escapeFilter, "filesizeformat": filesizeFilter,
		"first": firstFilter, "float": floatFilter, "forceescape": forceEscapeFilter, "format": formatFilter,
		"groupby": groupbyFilter, "indent": indentFilter, "int": intFilter, "items": itemsFilter, "join": joinFilter,
		"last": lastFilter, "length": lengthFilter, "list": listFilter, "lower": textFilter("lower", lower),
		"map": mapFilter, "max": extremeFilter("do_max", ">"), "min": extremeFilter("do_min", "<"),
		"reject": selectFilter(false, false), "rejectattr": selectFilter(true, false), "replace": replaceFilter,
		"reverse": reverseFilter, "round": roundFilter, "safe": safeFilter, "select": selectFilter(false, true),
		"selectattr": selectFilter(true, true), "slice": sliceFilter, "sort": sortFilter, "string": stringFilter,
		"striptags": striptagsFilter, "sum": sumFilter, "title": textFilter("title", titleFilter), "tojson": htmlsafeFilter,
		"trim": trimFilter, "truncate": truncateFilter, "unique": uniqueFilter, "upper": textFilter("upper", upper),
		"urlencode": urlencodeFilter, "wordcount": wordcountFilter, "xmlattr": xmlattrFilter,
	}
}

func absFilter(_ *runtime, a *args) (Value, error) {
	if len(a.kw) > 0 || len(a.pos) != 1 {
		return nil, typeError("abs() takes exactly one argument (%d given)", len(a.pos)+len(a.kw))
	}
	if f, ok := a.pos[0].(float64); ok {
		return math.Abs(f), nil
	}
	if u, ok := a.pos[0].(*Undefined); ok {
		return nil, typeError("bad operand type for abs(): '%s'", typeName(u))
	}
	n, ok := bigInt(a.pos[0])
	if !ok {
		return nil, typeError("bad operand type for abs(): '%s'", typeName(a.pos[0]))
	}
	return normInt(new(big.Int).Abs(n)), nil
}

// attrFilter gives attributes only, never items.
func attrFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_attr", 1, "obj", "name")
	if err != nil {
		return nil, err
	}
	name, ok := text(b[1])
	if !ok {
		return nil, typeError("attribute name must be string, not '%s'", typeName(b[1]))
	}
	v, ok, err := rt.attribute(b[0], name)
	if err != nil || ok {
		return v, err
	}
	if u, ok := b[0].(*Undefined); ok {
		return nil, u.fail()
	}
	return &Undefined{obj: b[0], name: name}, nil
}

func defaultFilter(_ *runtime, a *args) (Value, error) {
	b, err := a.bind("do_default", 0, "value", "default_value=", "boolean=")
	if err != nil {
		return nil, err
	}
	_, undefined := b[0].(*Undefined)
	if undefined || b.truth(2) && !truth(b[0]) {
		return b.or(1, ""), nil
	}
	return b[0], nil
}

func lengthFilter(rt *runtime, a *args) (Value, error) {
	if len(a.kw) > 0 {
		return nil, typeError("len() takes no keyword arguments")
	}
	if len(a.pos) != 1 {
		return nil, typeError("len() takes exactly one argument (%d given)", len(a.pos))
	}
	n, err := rt.length(a.pos[0])
	return int64(n), err
}

// intFilter is int(value), or the default where that cannot be.
func intFilter(_ *runtime, a *args) (Value, error) {
	b, err := a.bind("do_int", 0, "value", "default=", "base=")
	if err != nil {
		return nil, err
	}
	base, err := b.int(2, 10)
	if err != nil {
		return nil, err
	}
	if u, ok := b[0].(*Undefined); ok {
		return nil, u.fail()
	}
	if s, ok := text(b[0]); ok {
		if base == 0 || base >= 2 && base <= 36 {
			if n, ok := parseInt(s, int(base)); ok {
				return n, nil
			}
		}
		f, ok := parseFloat(s)
		if n, whole := truncate(f); ok && whole {
			return n, nil
		}
		return b.or(1, int64(0)), nil
	}
	if n, ok := bigInt(b[0]); ok {
		return normInt(n), nil
	}
	if f, ok := b[0].(float64); ok {
		if math.IsInf(f, 0) {
			return nil, raise("OverflowError", "cannot convert float infinity to integer")
		}
		if n, ok := truncate(f); ok {
			return n, nil
		}
	}
	return b.or(1, int64(0)), nil
}

// truncate is a float without its fraction, where it is finite.
func truncate(f float64) (Value, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, false
	}
	n, _ := big.NewFloat(f).Int(nil)
	return normInt(n), true
}

// parseInt reads an int as Python's int(s, base) does.
func parseInt(s string, base int) (Value, bool) {
	s = asciiDigits(strings.TrimFunc(s, isSpace))
	sign := ""
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		sign, s = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	if len(s) > 2 && s[0] == '0' {
		prefixed := map[byte]int{'b': 2, 'o': 8, 'x': 16}[s[1]|0x20]
		if prefixed != 0 && (base == 0 || base == prefixed) {
			s, base = strings.TrimPrefix(s[2:], "_"), prefixed
		}
	}
	if base == 0 && strings.Trim(s, "0_") != "" && strings.HasPrefix(s, "0") {
		return nil, false
	}
	if base == 0 {
		base = 10
	}
	digits := strings.ReplaceAll(s, "_", "")
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") || strings.HasPrefix(digits, "+") ||
		strings.HasPrefix(digits, "-") || len(digits) > maxIntDigits {
		return nil, false
	}
	n, ok := new(big.Int).SetString(sign+digits, base)
	if !ok {
		return nil, false
	}
	return normInt(n), true
}

// asciiDigits writes the decimal digits of other scripts as 0 to 9.
func asciiDigits(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < 0x80 || !isDecimalRune(r) {
			return r
		}
		zero := r
		for isDecimalRune(zero-1) && r-zero < 9 && (zero-1)&^0xf == r&^0xf {
			zero--
		}
		return '0' + r - zero
	}, s)
}

// parseFloat reads a float as Python's float(s) does.
func parseFloat(s string) (float64, bool) {
	s = asciiDigits(strings.TrimFunc(s, isSpace))
	lowered := strings.TrimLeft(strings.ToLower(s), "+-")
	switch lowered {
	case "inf", "infinity", "nan":
	default:
		if strings.Trim(lowered, "0123456789._e+-") != "" || strings.HasPrefix(lowered, "_") {
			return 0, false
		}
	}
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i == len(s)-1 || !isDecimal(s[i-1]) || !isDecimal(s[i+1])) {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

func floatFilter(_ *runtime, a *args) (Value, error) {
	b, err := a.bind("do_float", 0, "value", "default=")
	if err != nil {
		return nil, err
	}
	if u, ok := b[0].(*Undefined); ok {
		return nil, u.fail()
	}
	if s, ok := text(b[0]); ok {
		if f, ok := parseFloat(s); ok {
			return f, nil
		}
		return b.or(1, 0.0), nil
	}
	if isNumber(b[0]) {
		f, ok := finite(b[0])
		if !ok {
			return nil, raise("OverflowError", "int too large to convert to float")
		}
		return f, nil
	}
	return b.or(1, 0.0), nil
}

// roundFilter is Python's round, or ceil and floor at a digit.
func roundFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_round", 0, "value", "precision=", "method=")
	if err != nil {
		return nil, err
	}
	precision, err := b.int(1, 0)
	if err != nil {
		return nil, err
	}
	how, _ := b.or(2, "common").(string)
	if u, ok := b[0].(*Undefined); ok && how == "common" {
		return nil, typeError("type %s doesn't define __round__ method", typeName(u))
	}
	switch how {
	case "common":
		return roundCommon(b[0], precision)
	case "ceil", "floor":
		return rt.roundTo(b[0], precision, how)
	}
	return nil, raise("FilterArgumentError", "method must be common, ceil or floor")
}

func roundCommon(v Value, precision int64) (Value, error) {
	if f, ok := v.(float64); ok {
		if precision > 308 || math.IsNaN(f) || math.IsInf(f, 0) {
			return f, nil
		}
		if precision < 0 {
			n, ok := truncate(f)
			if !ok || precision < -308 {
				return math.Copysign(0, f), nil
			}
			return roundTens(n, f, -precision), nil
		}
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(precision), 64), 64)
		return r, nil
	}
	n, ok := bigInt(v)
	if !ok {
		return nil, typeError("type %s doesn't define __round__ method", typeName(v))
	}
	if precision >= 0 {
		return normInt(n), nil
	}
	if precision < -maxIntDigits {
		return int64(0), nil
	}
	return roundInt(n, -precision), nil
}

// roundTens rounds a float to a multiple of 10**digits, halves to even.
func roundTens(n Value, f float64, digits int64) Value {
	scaled := new(big.Rat).SetFloat64(f)
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(digits), nil)
	scaled.Quo(scaled, new(big.Rat).SetInt(unit))
	q := roundRat(scaled)
	r, _ := new(big.Float).SetInt(q.Mul(q, unit)).Float64()
	if r == 0 {
		return math.Copysign(0, f)
	}
	return r
}

func roundInt(n *big.Int, digits int64) Value {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(digits), nil)
	q := roundRat(new(big.Rat).SetFrac(n, unit))
	return normInt(q.Mul(q, unit))
}

// roundRat is the integer next to a fraction, the even one of two.
func roundRat(r *big.Rat) *big.Int {
	twice := new(big.Int).Lsh(r.Num(), 1)
	q, m := new(big.Int).DivMod(new(big.Int).Add(twice, r.Denom()), new(big.Int).Lsh(r.Denom(), 1), new(big.Int))
	if m.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}

// roundTo is ceil or floor of value * 10**precision, divided again.
func (rt *runtime) roundTo(v Value, precision int64, how string) (Value, error) {
	unit, err := numeric("**", int64(10), precision)
	if err != nil {
		return nil, err
	}
	scaled, err := rt.binary("*", v, unit)
	if err != nil {
		return nil, err
	}
	if f, ok := scaled.(float64); ok {
		if f = math.Floor(f); how == "ceil" {
			f = math.Ceil(scaled.(float64))
		}
		n, ok := truncate(f)
		if !ok && math.IsNaN(f) {
			return nil, valueError("cannot convert float NaN to integer")
		}
		if !ok {
			return nil, raise("OverflowError", "cannot convert float infinity to integer")
		}
		scaled = n
	} else if !isNumber(scaled) {
		return nil, typeError("must be real number, not %s", typeName(scaled))
	}
	return rt.binary("/", scaled, unit)
}

func filesizeFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_filesizeformat", 0, "value", "binary=")
	if err != nil {
		return nil, err
	}
	size, err := toFloat(b[0])
	if err != nil {
		return nil, err
	}
	base, suffix := 1000.0, "B"
	if b.truth(1) {
		base, suffix = 1024, "iB"
	}
	if size == 1 {
		return "1 Byte", nil
	}
	if size < base {
		n, ok := truncate(size)
		if !ok {
			return nil, raise("OverflowError", "cannot convert float infinity to integer")
		}
		digits, err := rt.str(n)
		return digits + " Bytes", err
	}
	prefixes, unit := "kMGTPEZY", base
	if b.truth(1) {
		prefixes = "KMGTPEZY"
	}
	for i := range prefixes {
		if unit *= base; size < unit || i == len(prefixes)-1 {
			return formatFloat(base*size/unit, 'f', 1) + " " + prefixes[i:i+1] + suffix, nil
		}
	}
	return nil, nil
}

// toFloat is Python's float(v), errors included.
func toFloat(v Value) (float64, error) {
	if u, ok := v.(*Undefined); ok {
		return 0, u.fail()
	}
	if s, ok := text(v); ok {
		f, ok := parseFloat(s)
		if !ok {
			return 0, valueError("could not convert string to float: %s", reprString(s))
		}
		return f, nil
	}
	if !isNumber(v) {
		return 0, typeError("float() argument must be a string or a real number, not '%s'", typeName(v))
	}
	f, ok := finite(v)
	if !ok {
		return 0, raise("OverflowError", "int too large to convert to float")
	}
	return f, nil
}
