package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
)

// jsonWriter is Python's json.dumps.
type jsonWriter struct {
	rt             *runtime
	b              strings.Builder
	ascii          bool
	indent         string
	lines          bool // whether items stand on lines of their own
	itemSep, colon string
	sortKeys       bool
}

// tojsonFilter is transformers' tojson.
func tojsonFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("_cached_compile_jinja_template.<locals>.tojson", 0,
		"x", "ensure_ascii=", "indent=", "separators=", "sort_keys=")
	if err != nil {
		return nil, err
	}
	w := &jsonWriter{rt: rt, ascii: b.truth(1), itemSep: ", ", colon: ": ", sortKeys: b.truth(4)}
	if b.has(2) {
		if err := w.setIndent(b[2]); err != nil {
			return nil, err
		}
	}
	if b.has(3) {
		if err := w.setSeparators(b[3]); err != nil {
			return nil, err
		}
	}
	if err := w.value(b[0], 0); err != nil {
		return nil, err
	}
	return w.b.String(), nil
}

// htmlsafeFilter is Jinja's own tojson: keys in order, ASCII, and safe for HTML.
func htmlsafeFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_tojson", 1, "value", "indent=")
	if err != nil {
		return nil, err
	}
	w := &jsonWriter{rt: rt, ascii: true, itemSep: ", ", colon: ": ", sortKeys: true}
	if b.has(1) {
		if err := w.setIndent(b[1]); err != nil {
			return nil, err
		}
	}
	if err := w.value(b[0], 0); err != nil {
		return nil, err
	}
	return Markup(htmlsafe.Replace(w.b.String())), rt.alloc(w.b.Len())
}

var htmlsafe = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`)

func (w *jsonWriter) setIndent(v Value) error {
	w.lines, w.itemSep = true, ","
	if s, ok := text(v); ok {
		w.indent = s
		return nil
	}
	n, err := index(v)
	if err != nil {
		return typeError("can't multiply sequence by non-int of type '%s'", typeName(v))
	}
	w.indent, err = w.rt.pad("", n, ' ', leftSide)
	return err
}

func (w *jsonWriter) setSeparators(v Value) error {
	pair, err := w.rt.unpack(v, 2)
	if err != nil {
		return err
	}
	item, okItem := text(pair[0])
	colon, okColon := text(pair[1])
	if !okItem || !okColon {
		return typeError("tojson's separators must be two strings")
	}
	w.itemSep, w.colon = item, colon
	return nil
}

func (w *jsonWriter) write(s string) error {
	w.b.WriteString(s)
	return w.rt.alloc(len(s))
}

func (w *jsonWriter) value(v Value, depth int) error {
	if depth > maxRecursion {
		return errRecursion
	}
	if err := w.rt.use(1); err != nil {
		return err
	}
	if s, ok := text(v); ok {
		return w.write(quoteJSON(s, w.ascii))
	}
	if items, ok := sequence(v); ok {
		return w.list(items, depth)
	}
	if o, ok := v.(*Object); ok {
		return w.object(o, depth)
	}
	s, ok, err := jsonScalar(v)
	if err != nil {
		return err
	}
	if !ok {
		return typeError("Object of type %s is not JSON serializable", typeName(v))
	}
	return w.write(s)
}

// jsonScalar is the JSON of a number, boolean or None.
func jsonScalar(v Value) (string, bool, error) {
	switch v := v.(type) {
	case nil:
		return "null", true, nil
	case bool:
		return strconv.FormatBool(v), true, nil
	case int64:
		return strconv.FormatInt(v, 10), true, nil
	case *big.Int:
		s, err := bigText(v)
		return s, true, err
	case float64:
		s := FloatRepr(v)
		if named, ok := map[string]string{"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[s]; ok {
			s = named
		}
		return s, true, nil
	}
	return "", false, nil
}

// newline begins an item's line where items have lines.
func (w *jsonWriter) newline(depth int) error {
	if !w.lines {
		return nil
	}
	if err := w.rt.alloc(depth * len(w.indent)); err != nil {
		return err
	}
	return w.write("\n" + strings.Repeat(w.indent, depth))
}

// items writes n items between brackets.
func (w *jsonWriter) items(brackets string, n, depth int, item func(i int) error) error {
	if n == 0 {
		return w.write(brackets)
	}
	if err := w.write(brackets[:1]); err != nil {
		return err
	}
	for i := range n {
		if i > 0 {
			if err := w.write(w.itemSep); err != nil {
				return err
			}
		}
		if err := w.newline(depth + 1); err != nil {
			return err
		}
		if err := item(i); err != nil {
			return err
		}
	}
	if err := w.newline(depth); err != nil {
		return err
	}
	return w.write(brackets[1:])
}

func (w *jsonWriter) list(list []Value, depth int) error {
	return w.items("[]", len(list), depth, func(i int) error { return w.value(list[i], depth+1) })
}

func (w *jsonWriter) object(o *Object, depth int) error {
	pairs := (&View{o, "dict_items"}).items()
	if w.sortKeys {
		var err error
		byKey := func(pair Value) (Value, error) { return pair.(*Tuple).Items[0], nil }
		if pairs, err = w.rt.sorted(pairs, byKey, false); err != nil {
			return err
		}
	}
	return w.items("{}", len(pairs), depth, func(i int) error {
		pair := pairs[i].(*Tuple).Items
		key, err := jsonKey(pair[0])
		if err != nil {
			return err
		}
		if err := w.write(quoteJSON(key, w.ascii) + w.colon); err != nil {
			return err
		}
		return w.value(pair[1], depth+1)
	})
}

func jsonKey(v Value) (string, error) {
	if s, ok := text(v); ok {
		return s, nil
	}
	s, ok, err := jsonScalar(v)
	if err == nil && !ok {
		err = typeError("keys must be str, int, float, bool or None, not %s", typeName(v))
	}
	return s, err
}

var jsonEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`,
}

// quoteJSON is a text as a JSON string; with ascii, all beyond ASCII is escaped.
func quoteJSON(s string, ascii bool) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case jsonEscapes[r] != "":
			b.WriteString(jsonEscapes[r])
		case r < 0x20 || ascii && r >= 0x7f && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case ascii && r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
