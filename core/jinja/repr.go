package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// maxIntDigits is Python's limit on the digits of an int turned into text or back.
const maxIntDigits = 4300

// str is Python's str(v).
func (rt *runtime) str(v Value) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case Markup:
		return string(v), nil
	case *Undefined:
		return "", nil
	}
	return rt.repr(v)
}

// repr is Python's repr(v).
func (rt *runtime) repr(v Value) (string, error) {
	var b strings.Builder
	err := rt.writeRepr(&b, v, 0)
	return b.String(), err
}

func (rt *runtime) writeRepr(b *strings.Builder, v Value, depth int) error {
	if depth > maxRecursion {
		return errRecursion
	}
	before := b.Len()
	if err := rt.writeReprOf(b, v, depth); err != nil {
		return err
	}
	if depth == 0 {
		return nil
	}
	return rt.alloc(b.Len() - before)
}

func (rt *runtime) writeReprOf(b *strings.Builder, v Value, depth int) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(boolText(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		s, err := bigText(v)
		b.WriteString(s)
		return err
	case float64:
		b.WriteString(FloatRepr(v))
	case string:
		b.WriteString(reprString(v))
	case Markup:
		b.WriteString("Markup(" + reprString(string(v)) + ")")
	case *Undefined:
		b.WriteString("Undefined")
	case *List:
		return rt.writeItems(b, "[", v.Items, "]", depth)
	case *Tuple:
		if len(v.Items) == 1 {
			return rt.writeItems(b, "(", v.Items, ",)", depth)
		}
		return rt.writeItems(b, "(", v.Items, ")", depth)
	case *Object:
		return rt.writeDict(b, v, depth)
	case *View:
		return rt.writeItems(b, v.kind+"([", v.items(), "])", depth)
	case *Range:
		b.WriteString(v.repr())
	case *Namespace:
		b.WriteString("<Namespace ")
		if err := rt.writeRepr(b, v.attrs, depth+1); err != nil {
			return err
		}
		b.WriteString(">")
	case *Macro:
		b.WriteString(v.repr())
	case *loopContext:
		n, err := v.length()
		fmt.Fprintf(b, "<LoopContext %d/%d>", v.index0+1, n)
		return err
	default:
		return unsupported("the text of a %s, which in Python holds its address in memory", typeName(v))
	}
	return nil
}

func (rt *runtime) writeItems(b *strings.Builder, open string, items []Value, end string, depth int) error {
	b.WriteString(open)
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := rt.writeRepr(b, item, depth+1); err != nil {
			return err
		}
	}
	b.WriteString(end)
	return rt.alloc(len(open) + len(end) + 2*len(items))
}

func (rt *runtime) writeDict(b *strings.Builder, o *Object, depth int) error {
	b.WriteString("{")
	for i, key := range o.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := rt.writeRepr(b, key, depth+1); err != nil {
			return err
		}
		b.WriteString(": ")
		if err := rt.writeRepr(b, o.values[i], depth+1); err != nil {
			return err
		}
	}
	b.WriteString("}")
	return rt.alloc(2 + 4*len(o.keys))
}

func boolText(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func bigText(n *big.Int) (string, error) {
	if n.BitLen() > maxIntDigits*4 {
		return "", errIntDigits
	}
	s := n.String()
	if len(strings.TrimPrefix(s, "-")) > maxIntDigits {
		return "", errIntDigits
	}
	return s, nil
}

var errIntDigits = valueError("Exceeds the limit (%d digits) for integer string conversion", maxIntDigits)

// FloatRepr is Python's repr of a float, the shortest text that reads back as it.
func FloatRepr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// reprString is Python's repr of a str.
func reprString(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte(quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case !unicode.IsPrint(r):
			b.WriteString(`\` + quotedRune(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(quote)
	return b.String()
}
