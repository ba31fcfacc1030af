package jinja

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// percentFormat is the state of a text % arguments.
type percentFormat struct {
	rt     *runtime
	b      strings.Builder
	format string
	i      int
	right  Value
	args   []Value
	next   int
	dict   *Object // where the right side is one
	markup bool    // the arguments get escaped
}

// percentSpec is one conversion: %(key)flags width.precision type.
type percentSpec struct {
	flags            string
	width, precision int // precision -1 where there is none
	conversion       byte
}

// percent is Python's text % arguments.
func (rt *runtime) percent(format, right Value) (Value, error) {
	s, _ := text(format)
	_, markup := format.(Markup)
	p := &percentFormat{rt: rt, format: s, right: right, args: []Value{right}, markup: markup}
	p.dict, _ = right.(*Object)
	if t, ok := right.(*Tuple); ok {
		p.args = t.Items
	}
	if err := p.run(); err != nil {
		return nil, err
	}
	if p.next < len(p.args) && !subscriptable(right) {
		return nil, typeError("not all arguments converted during string formatting")
	}
	return like(p.b.String(), markup), nil
}

// subscriptable says whether a value has items by key, which lets it stand there unused.
func subscriptable(v Value) bool {
	switch v.(type) {
	case *Object, *List, *Range, *Undefined:
		return true
	}
	return false
}

func (p *percentFormat) run() error {
	for p.i < len(p.format) {
		cut := strings.IndexByte(p.format[p.i:], '%')
		if cut < 0 {
			cut = len(p.format) - p.i
		}
		if err := p.write(p.format[p.i : p.i+cut]); err != nil {
			return err
		}
		if p.i += cut; p.i < len(p.format) {
			p.i++
			if err := p.conversion(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *percentFormat) write(s string) error {
	p.b.WriteString(s)
	return p.rt.alloc(len(s))
}

var errIncompleteFormat = valueError("incomplete format")

// conversion formats one argument by the specification at i.
func (p *percentFormat) conversion() error {
	var v Value = missing
	var spec percentSpec
	spec.precision = -1
	if strings.HasPrefix(p.format[p.i:], "(") {
		var err error
		if v, err = p.keyed(); err != nil {
			return err
		}
	}
	for p.i < len(p.format) && strings.IndexByte("-+ #0", p.format[p.i]) >= 0 {
		spec.flags += p.format[p.i : p.i+1]
		p.i++
	}
	var err error
	if spec.width, err = p.number(0); err != nil {
		return err
	}
	if spec.width < 0 {
		spec.flags, spec.width = spec.flags+"-", -spec.width
	}
	if p.i < len(p.format) && p.format[p.i] == '.' {
		p.i++
		if spec.precision, err = p.number(0); err != nil {
			return err
		}
		spec.precision = max(spec.precision, 0)
	}
	for p.i < len(p.format) && strings.IndexByte("hlL", p.format[p.i]) >= 0 {
		p.i++
	}
	if p.i == len(p.format) {
		return errIncompleteFormat
	}
	spec.conversion = p.format[p.i]
	p.i++
	if spec.conversion == '%' {
		return p.write("%")
	}
	if v == missing {
		if v, err = p.arg(); err != nil {
			return err
		}
	}
	return p.convert(spec, v)
}

// keyed is the value of a %(key).
func (p *percentFormat) keyed() (Value, error) {
	if _, ok := p.right.(*List); ok {
		return nil, typeError("list indices must be integers or slices, not str")
	}
	if p.dict == nil {
		return nil, typeError("format requires a mapping")
	}
	depth, start := 1, p.i+1
	for p.i++; p.i < len(p.format) && depth > 0; p.i++ {
		switch p.format[p.i] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	if depth > 0 {
		return nil, valueError("incomplete format key")
	}
	key := p.format[start : p.i-1]
	v, ok := p.dict.Get(key)
	if !ok {
		return nil, raise("KeyError", "%s", reprString(key))
	}
	return v, nil
}

func (p *percentFormat) arg() (Value, error) {
	if p.next >= len(p.args) {
		return nil, typeError("not enough arguments for format string")
	}
	p.next++
	return p.args[p.next-1], nil
}

// number reads digits or a *, which takes an argument.
func (p *percentFormat) number(otherwise int) (int, error) {
	if p.i < len(p.format) && p.format[p.i] == '*' {
		p.i++
		v, err := p.arg()
		if err != nil {
			return 0, err
		}
		n, ok := smallInt(v)
		if !ok {
			return 0, typeError("* wants int")
		}
		return boundedWidth(n)
	}
	start := p.i
	for p.i < len(p.format) && isDecimal(p.format[p.i]) {
		p.i++
	}
	if p.i == start {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(p.format[start:p.i], 10, 64)
	if err != nil {
		return 0, valueError("width too big")
	}
	return boundedWidth(n)
}

// boundedWidth keeps a width within what a text may be anyway.
func boundedWidth(n int64) (int, error) {
	const most = 1 << 24
	if n > most || n < -most {
		return 0, raise(LimitError, "the template makes too much text")
	}
	return int(n), nil
}

func (p *percentFormat) convert(spec percentSpec, v Value) error {
	var s string
	var err error
	switch spec.conversion {
	case 's', 'r', 'a':
		s, err = p.text(spec, v)
	case 'c':
		s, err = percentChar(v)
	case 'd', 'i', 'u', 'x', 'X', 'o':
		s, err = percentInt(spec, v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		s, err = percentFloat(spec, v)
	default:
		r, _ := utf8.DecodeRuneInString(p.format[p.i-1:])
		return valueError("unsupported format character '%c' (0x%x) at index %d", r, r, utf8.RuneCountInString(p.format[:p.i-1]))
	}
	if err != nil {
		return err
	}
	side := leftSide
	if strings.Contains(spec.flags, "-") {
		side = rightSide
	}
	s, err = p.rt.pad(s, int64(spec.width), ' ', side)
	if err != nil {
		return err
	}
	return p.write(s)
}

func (p *percentFormat) text(spec percentSpec, v Value) (string, error) {
	var s string
	var err error
	if spec.conversion == 's' {
		s, err = p.rt.str(v)
	} else {
		s, err = p.rt.repr(v)
	}
	if err != nil {
		return "", err
	}
	if spec.conversion == 'a' {
		s = asciiRepr(s)
	}
	if _, safe := v.(Markup); p.markup && (!safe || spec.conversion != 's') {
		s = escapeHTML(s)
	}
	if spec.precision >= 0 {
		s = s[:byteOffset(s, spec.precision)]
	}
	return s, nil
}

func asciiRepr(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			b.WriteString(`\` + quotedRune(r))
		}
	}
	return b.String()
}

func percentChar(v Value) (string, error) {
	if s, ok := text(v); ok {
		if utf8.RuneCountInString(s) != 1 {
			return "", typeError("%%c requires int or char")
		}
		return s, nil
	}
	n, ok := smallInt(v)
	if !ok {
		return "", typeError("%%c requires int or char")
	}
	if n < 0 || n > utf8.MaxRune {
		return "", raise("OverflowError", "%%c arg not in range(0x110000)")
	}
	if n >= 0xd800 && n < 0xe000 {
		return "", unsupported("the lone surrogate U+%04X", n)
	}
	return string(rune(n)), nil
}

func percentInt(spec percentSpec, v Value) (string, error) {
	n, ok := bigInt(v)
	if f, isFloat := v.(float64); isFloat && strings.IndexByte("diu", spec.conversion) >= 0 {
		t, finite := truncate(f)
		if !finite {
			return "", raise("OverflowError", "cannot convert float infinity to integer")
		}
		n, ok = bigInt(t)
	}
	if !ok && strings.IndexByte("diu", spec.conversion) >= 0 {
		return "", typeError("%%%c format: a real number is required, not %s", spec.conversion, typeName(v))
	}
	if !ok {
		return "", typeError("%%%c format: an integer is required, not %s", spec.conversion, typeName(v))
	}
	base, prefix := 10, ""
	switch spec.conversion {
	case 'x', 'X':
		base, prefix = 16, "0"+string(spec.conversion)
	case 'o':
		base, prefix = 8, "0o"
	}
	digits := new(big.Int).Abs(n).Text(base)
	if spec.conversion == 'X' {
		digits = strings.ToUpper(digits)
	}
	if len(digits) < spec.precision {
		digits = strings.Repeat("0", spec.precision-len(digits)) + digits
	}
	if !strings.Contains(spec.flags, "#") {
		prefix = ""
	}
	return zeroFill(spec, n.Sign() < 0, prefix, digits), nil
}

func percentFloat(spec percentSpec, v Value) (string, error) {
	if _, isText := text(v); isText || !isNumber(v) {
		return "", typeError("must be real number, not %s", typeName(v))
	}
	f, err := toFloat(v)
	if err != nil {
		return "", err
	}
	precision := spec.precision
	if precision < 0 {
		precision = 6
	}
	s := formatFloat(f, spec.conversion, precision)
	digits, negative := strings.CutPrefix(s, "-")
	return zeroFill(spec, negative, "", digits), nil
}

// zeroFill puts the sign, the prefix and the zeros that the flags ask for before digits.
func zeroFill(spec percentSpec, negative bool, prefix, digits string) string {
	sign := ""
	switch {
	case negative:
		sign = "-"
	case strings.Contains(spec.flags, "+"):
		sign = "+"
	case strings.Contains(spec.flags, " "):
		sign = " "
	}
	fill := spec.width - len(sign) - len(prefix) - len(digits)
	if fill > 0 && strings.Contains(spec.flags, "0") && !strings.Contains(spec.flags, "-") {
		digits = strings.Repeat("0", fill) + digits
	}
	return sign + prefix + digits
}

func formatFilter(rt *runtime, a *args) (Value, error) {
	if len(a.kw) > 0 && len(a.pos) > 1 {
		return nil, raise("FilterArgumentError", "can't handle positional and keyword arguments at the same time")
	}
	s, markup, err := rt.soft(a.pos[0])
	if err != nil {
		return nil, err
	}
	if len(a.kw) == 0 {
		return rt.percent(like(s, markup), newTuple(a.pos[1:]...))
	}
	o := NewObject()
	for _, k := range a.kw {
		o.Set(k.name, k.value)
	}
	return rt.percent(like(s, markup), o)
}
