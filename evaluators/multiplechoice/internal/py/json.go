package py

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/core/jinja"
)

// Format says how DumpJSON writes, as the arguments of Python's json.dumps.
type Format struct {
	Indent int  // spaces a level; 0 = all on one line
	ASCII  bool // ensure_ascii: escape what is beyond ASCII
}

// DumpJSON returns v as json.dumps(v, indent=f.Indent or None,
// ensure_ascii=f.ASCII) writes it. Beside the values of Object, v may hold int,
// []string and []Object. It panics on any other type, which is a fault of the
// caller and never of data.
func DumpJSON(v any, f Format) string {
	d := dumper{format: f}
	d.value(v, 0)
	return d.text.String()
}

type dumper struct {
	format Format
	text   strings.Builder
}

func (d *dumper) value(v any, depth int) {
	switch v := v.(type) {
	case nil:
		d.text.WriteString("null")
	case bool:
		d.text.WriteString(strconv.FormatBool(v))
	case int:
		d.text.WriteString(strconv.Itoa(v))
	case int64:
		d.text.WriteString(strconv.FormatInt(v, 10))
	case json.Number:
		d.text.WriteString(string(v))
	case float64:
		d.text.WriteString(jsonFloat(v))
	case string:
		d.string(v)
	case []any:
		list(d, v, depth)
	case []string:
		list(d, v, depth)
	case []Object:
		list(d, v, depth)
	case Object:
		d.object(v, depth)
	default:
		panic(fmt.Sprintf("py: no JSON for %T", v))
	}
}

func list[T any](d *dumper, items []T, depth int) {
	if len(items) == 0 {
		d.text.WriteString("[]")
		return
	}
	d.text.WriteByte('[')
	for i, item := range items {
		d.next(i, depth+1)
		d.value(item, depth+1)
	}
	d.end(depth)
	d.text.WriteByte(']')
}

func (d *dumper) object(o Object, depth int) {
	if len(o) == 0 {
		d.text.WriteString("{}")
		return
	}
	d.text.WriteByte('{')
	for i, m := range o {
		d.next(i, depth+1)
		d.string(m.Key)
		d.text.WriteString(": ")
		d.value(m.Value, depth+1)
	}
	d.end(depth)
	d.text.WriteByte('}')
}

// next writes what stands before element i.
func (d *dumper) next(i, depth int) {
	switch {
	case d.format.Indent > 0:
		if i > 0 {
			d.text.WriteByte(',')
		}
		d.newline(depth)
	case i > 0:
		d.text.WriteString(", ")
	}
}

func (d *dumper) end(depth int) {
	if d.format.Indent > 0 {
		d.newline(depth)
	}
}

func (d *dumper) newline(depth int) {
	d.text.WriteByte('\n')
	d.text.WriteString(strings.Repeat(" ", depth*d.format.Indent))
}

func (d *dumper) string(s string) {
	d.text.WriteByte('"')
	for _, r := range s {
		d.rune(r)
	}
	d.text.WriteByte('"')
}

func (d *dumper) rune(r rune) {
	switch r {
	case '"', '\\':
		d.text.WriteByte('\\')
		d.text.WriteRune(r)
		return
	case '\n':
		d.text.WriteString(`\n`)
		return
	case '\r':
		d.text.WriteString(`\r`)
		return
	case '\t':
		d.text.WriteString(`\t`)
		return
	case '\b':
		d.text.WriteString(`\b`)
		return
	case '\f':
		d.text.WriteString(`\f`)
		return
	}
	switch {
	case r < ' ', d.format.ASCII && r >= 0x7f && r <= 0xffff:
		fmt.Fprintf(&d.text, `\u%04x`, r)
	case d.format.ASCII && r > utf8.RuneSelf:
		high, low := utf16.EncodeRune(r)
		fmt.Fprintf(&d.text, `\u%04x\u%04x`, high, low)
	default:
		d.text.WriteRune(r)
	}
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return FloatRepr(f)
}

// FloatRepr returns Python's repr(f).
func FloatRepr(f float64) string { return jinja.FloatRepr(f) }

// Str returns Python's str(v) of a scalar, and the JSON of anything else.
func Str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		return FloatRepr(v)
	}
	return DumpJSON(v, Format{})
}
