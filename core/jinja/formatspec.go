package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatSpec is [[fill]align][sign][z][#][0][width][grouping][.precision][type].
type formatSpec struct {
	fill      rune
	align     byte // 0 where not given
	sign      byte
	alt       bool
	width     int
	grouping  byte
	precision int // -1 where not given
	typ       byte
}

func parseSpec(s, kind string) (formatSpec, error) {
	spec := formatSpec{fill: ' ', precision: -1}
	whole := s
	if r, n := utf8.DecodeRuneInString(s); n > 0 && len(s) > n && strings.IndexByte("<>=^", s[n]) >= 0 {
		spec.fill, spec.align, s = r, s[n], s[n+1:]
	} else if s != "" && strings.IndexByte("<>=^", s[0]) >= 0 {
		spec.align, s = s[0], s[1:]
	}
	take := func(chars string) byte {
		if s != "" && strings.IndexByte(chars, s[0]) >= 0 {
			c := s[0]
			s = s[1:]
			return c
		}
		return 0
	}
	spec.sign = take("+- ")
	spec.alt = take("#") != 0
	if take("0") != 0 && spec.align == 0 {
		spec.fill, spec.align = '0', '='
		if kind == "str" {
			spec.align = '<'
		}
	}
	var err error
	if spec.width, s, err = specNumber(s, 0); err != nil {
		return spec, err
	}
	spec.grouping = take(",_")
	if take(".") != 0 {
		if spec.precision, s, err = specNumber(s, -1); err != nil {
			return spec, err
		}
		if spec.precision < 0 {
			return spec, valueError("Format specifier missing precision")
		}
	}
	if len(s) > 1 {
		return spec, valueError("Invalid format specifier %s for object of type '%s'", reprString(whole), kind)
	}
	spec.typ = take(s)
	return spec, nil
}

func specNumber(s string, otherwise int) (int, string, error) {
	i := 0
	for i < len(s) && isDecimal(s[i]) {
		i++
	}
	if i == 0 {
		return otherwise, s, nil
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return 0, s, valueError("Too many decimal digits in format string")
	}
	width, err := boundedWidth(n)
	return width, s[i:], err
}

// formatValue is Python's format(v, spec).
func (rt *runtime) formatValue(v Value, format string) (string, error) {
	if format == "" {
		return rt.str(v)
	}
	kind := typeName(v)
	_, isText := text(v)
	if isText {
		kind = "str"
	} else if !isNumber(v) {
		return "", typeError("unsupported format string passed to %s.__format__", kind)
	}
	spec, err := parseSpec(format, kind)
	if err != nil {
		return "", err
	}
	var sign, digits string
	switch {
	case isText:
		digits, err = formatText(v, spec)
		return rt.aligned(spec, "", digits, '<', err)
	case strings.IndexByte("eEfFgG%", spec.typ) >= 0 && spec.typ != 0 || kind == "float":
		sign, digits, err = formatReal(v, spec, kind)
	default:
		sign, digits, err = formatInt(v, spec, kind)
	}
	return rt.aligned(spec, sign, digits, '>', err)
}

func unknownCode(typ byte, kind string) error {
	return valueError("Unknown format code '%c' for object of type '%s'", typ, kind)
}

func formatText(v Value, spec formatSpec) (string, error) {
	s, _ := text(v)
	switch {
	case spec.typ != 0 && spec.typ != 's':
		return "", unknownCode(spec.typ, "str")
	case spec.sign != 0:
		return "", valueError("Sign not allowed in string format specifier")
	case spec.alt:
		return "", valueError("Alternate form (#) not allowed in string format specifier")
	case spec.align == '=':
		return "", valueError("'=' alignment not allowed in string format specifier")
	case spec.grouping != 0:
		return "", valueError("Cannot specify '%c' with 's'.", spec.grouping)
	}
	if spec.precision >= 0 {
		s = s[:byteOffset(s, spec.precision)]
	}
	return s, nil
}

func signOf(negative bool, spec formatSpec) string {
	switch {
	case negative:
		return "-"
	case spec.sign == '+' || spec.sign == ' ':
		return string(spec.sign)
	}
	return ""
}

func formatInt(v Value, spec formatSpec, kind string) (sign, digits string, err error) {
	n, _ := bigInt(v)
	if spec.precision >= 0 {
		return "", "", valueError("Precision not allowed in integer format specifier")
	}
	base, prefix, group := 10, "", 3
	switch spec.typ {
	case 0, 'd', 'n':
		if n.BitLen() > maxIntDigits*4 {
			return "", "", errIntDigits
		}
	case 'b':
		base, prefix, group = 2, "0b", 4
	case 'o':
		base, prefix, group = 8, "0o", 4
	case 'x', 'X':
		base, prefix, group = 16, "0"+string(spec.typ), 4
	case 'c':
		s, err := percentChar(v)
		return "", s, err
	default:
		return "", "", unknownCode(spec.typ, kind)
	}
	if spec.grouping == ',' && base != 10 {
		return "", "", valueError("Cannot specify ',' with '%c'.", spec.typ)
	}
	digits = new(big.Int).Abs(n).Text(base)
	if spec.typ == 'X' {
		digits = strings.ToUpper(digits)
	}
	sign = signOf(n.Sign() < 0, spec)
	if spec.alt {
		sign += prefix
	}
	return sign, grouped(digits, spec, group, len(sign)), nil
}

func formatReal(v Value, spec formatSpec, kind string) (sign, digits string, err error) {
	f, err := toFloat(v)
	if err != nil {
		return "", "", err
	}
	precision := spec.precision
	if precision < 0 {
		precision = 6
	}
	negative := math.Signbit(f) && !math.IsNaN(f)
	f = math.Abs(f)
	switch spec.typ {
	case 'e', 'E', 'f', 'F', 'g', 'G':
		digits = formatFloat(f, spec.typ, precision)
	case '%':
		digits = formatFloat(f*100, 'f', precision) + "%"
	case 0, 'n':
		digits = FloatRepr(f)
		if spec.precision >= 0 {
			digits = generalFloat(f, precision)
		}
	default:
		return "", "", unknownCode(spec.typ, kind)
	}
	sign = signOf(negative, spec)
	return sign, grouped(digits, spec, 3, len(sign)), nil
}

// generalFloat is a float's text with a precision but no type: like g, with at least one digit after the point.
func generalFloat(f float64, precision int) string {
	s := formatFloat(f, 'g', max(precision, 1))
	if strings.ContainsAny(s, ".en") {
		return s
	}
	if len(s) >= max(precision, 1) && precision > 0 && len(s) == precision {
		// A point would need one more digit than the precision has.
		return expForm(f, precision)
	}
	return s + ".0"
}

func expForm(f float64, precision int) string {
	s := strconv.FormatFloat(f, 'e', precision-1, 64)
	mantissa, exp, _ := strings.Cut(s, "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + "e" + exp
}

// formatFloat formats by C's e, f and g.
func formatFloat(f float64, typ byte, precision int) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		s := FloatRepr(f)
		if typ < 'a' {
			s = strings.ToUpper(s)
		}
		return s
	}
	var s string
	switch typ | 0x20 {
	case 'g':
		s = cGeneral(f, max(precision, 1))
	default:
		s = strconv.FormatFloat(f, typ|0x20, precision, 64)
	}
	if typ < 'a' {
		s = strings.ToUpper(s)
	}
	return s
}

// cGeneral is C's %.{precision}g.
func cGeneral(f float64, precision int) string {
	s := strconv.FormatFloat(f, 'e', precision-1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= precision {
		return expForm(f, precision)
	}
	s = strconv.FormatFloat(f, 'f', precision-1-exp, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// grouped puts separators into the whole digits; zeros that fill up to the width are grouped too.
func grouped(digits string, spec formatSpec, size, taken int) string {
	if spec.grouping == 0 {
		return digits
	}
	end := strings.IndexFunc(digits, func(r rune) bool { return strings.ContainsRune(".e%", r) && (r != 'e' || size == 3) })
	if end < 0 {
		end = len(digits)
	}
	whole, rest := digits[:end], digits[end:]
	out := separated(whole, spec.grouping, size)
	if spec.fill == '0' && spec.align == '=' {
		for len(out)+len(rest)+taken < spec.width {
			whole = "0" + whole
			out = separated(whole, spec.grouping, size)
		}
	}
	return out + rest
}

func separated(digits string, separator byte, size int) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%size == 0 {
			b.WriteByte(separator)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// aligned fills a field up to its width.
func (rt *runtime) aligned(spec formatSpec, sign, digits string, align byte, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if spec.align != 0 {
		align = spec.align
	}
	switch align {
	case '=':
		digits, err = rt.pad(digits, int64(spec.width-len(sign)), spec.fill, leftSide)
		return sign + digits, err
	case '<':
		return rt.pad(sign+digits, int64(spec.width), spec.fill, rightSide)
	case '>':
		return rt.pad(sign+digits, int64(spec.width), spec.fill, leftSide)
	}
	return rt.pad(sign+digits, int64(spec.width), spec.fill, func(missing, _ int) int { return missing / 2 })
}
