package jinja

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// soft is markupsafe's soft_str: texts stay what they are.
func (rt *runtime) soft(v Value) (s string, markup bool, err error) {
	if m, ok := v.(Markup); ok {
		return string(m), true, nil
	}
	s, err = rt.str(v)
	return s, false, err
}

// textFilter applies f to the value's text.
func textFilter(name string, f func(string) string) filterFunc {
	return func(rt *runtime, a *args) (Value, error) {
		b, err := a.bind("do_"+name, 0, "s")
		if err != nil {
			return nil, err
		}
		s, markup, err := rt.soft(b[0])
		if err != nil {
			return nil, err
		}
		// Jinja's own title puts its pieces together without the mark.
		return like(f(s), markup && name != "title"), rt.alloc(4 * len(s))
	}
}

var wordStart = regexp.MustCompile(`[-\s\x0b\x1c-\x1f\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}({\[<]+`)

// titleFilter capitalizes what follows white space and opening brackets.
func titleFilter(s string) string {
	var b strings.Builder
	word := func(w string) {
		r, n := utf8.DecodeRuneInString(w)
		if n > 0 {
			b.WriteString(upper(string(r)) + lower(w[n:]))
		}
	}
	for {
		cut := wordStart.FindStringIndex(s)
		if cut == nil {
			word(s)
			return b.String()
		}
		word(s[:cut[0]])
		b.WriteString(s[cut[0]:cut[1]])
		s = s[cut[1]:]
	}
}

func centerFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_center", 0, "value", "width=")
	if err != nil {
		return nil, err
	}
	width, err := b.int(1, 80)
	if err != nil {
		return nil, err
	}
	s, markup, err := rt.soft(b[0])
	if err != nil {
		return nil, err
	}
	s, err = rt.pad(s, width, ' ', bothSides)
	return like(s, markup), err
}

func stringFilter(rt *runtime, a *args) (Value, error) {
	if len(a.kw) > 0 || len(a.pos) != 1 {
		return nil, typeError("soft_str() takes 1 positional argument but %d were given", len(a.pos)+len(a.kw))
	}
	s, markup, err := rt.soft(a.pos[0])
	return like(s, markup), err
}

func safeFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_mark_safe", 0, "value")
	if err != nil {
		return nil, err
	}
	s, err := rt.str(b[0])
	return Markup(s), err
}

var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

func escapeHTML(s string) string { return htmlEscapes.Replace(s) }

func escapeFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("escape", 0, "s")
	if err != nil {
		return nil, err
	}
	return rt.escape(b[0])
}

// escape is markupsafe's escape: what is marked safe stays as it is.
func (rt *runtime) escape(v Value) (Markup, error) {
	s, markup, err := rt.soft(v)
	if err != nil || markup {
		return Markup(s), err
	}
	return Markup(escapeHTML(s)), rt.alloc(len(s))
}

func forceEscapeFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_forceescape", 0, "value")
	if err != nil {
		return nil, err
	}
	s, err := rt.str(b[0])
	return Markup(escapeHTML(s)), err
}

func trimFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_trim", 0, "value", "chars=")
	if err != nil {
		return nil, err
	}
	s, markup, err := rt.soft(b[0])
	if err != nil {
		return nil, err
	}
	s, err = strip("strip", s, b.or(1, nil), true, true)
	return like(s, markup), err
}

func replaceFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_replace", 1, "s", "old", "new", "count=")
	if err != nil {
		return nil, err
	}
	var parts [3]string
	for i := range parts {
		if parts[i], err = rt.str(b[i]); err != nil {
			return nil, err
		}
	}
	count := int64(-1)
	if b.has(3) {
		if count, err = b.int(3, -1); err != nil {
			return nil, err
		}
	}
	return rt.replace(parts[0], parts[1], parts[2], count)
}

// indentFilter puts white space before every line but the first, and blank ones only if asked.
func indentFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_indent", 0, "s", "width=", "first=", "blank=")
	if err != nil {
		return nil, err
	}
	indention, ok := text(b.or(1, int64(4)))
	if !ok {
		width, err := b.int(1, 4)
		if err != nil {
			return nil, typeError("can't multiply sequence by non-int of type '%s'", typeName(b[1]))
		}
		if indention, err = rt.pad("", width, ' ', leftSide); err != nil {
			return nil, err
		}
	}
	s, ok := text(b[0])
	if !ok {
		return nil, indentError(b[0])
	}
	if err := rt.reserve(s, countFunc(s, isLineEnd)); err != nil {
		return nil, err
	}
	lines := splitLines(s+"\n", false)
	if err := rt.alloc(len(s) + len(lines)*len(indention)); err != nil {
		return nil, err
	}
	_, markup := b[0].(Markup)
	return like(indent(lines, indention, b.truth(2), b.truth(3)), markup), nil
}

// indentError is why a newline cannot be added to what is no text.
func indentError(v Value) error {
	switch v := v.(type) {
	case *Undefined:
		return v.fail()
	case *List:
		return raise("AttributeError", "'list' object has no attribute 'splitlines'")
	case *Tuple:
		return typeError(`can only concatenate tuple (not "str") to tuple`)
	}
	return operandError("+=", v, "")
}

func indent(lines []Value, indention string, first, blank bool) string {
	var out strings.Builder
	for i, v := range lines {
		line := v.(string)
		if i > 0 {
			out.WriteString("\n")
		}
		if i == 0 && first || i > 0 && (blank || line != "") {
			out.WriteString(indention)
		}
		out.WriteString(line)
	}
	return out.String()
}

func truncateFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_truncate", 1, "s", "length=", "killwords=", "end=", "leeway=")
	if err != nil {
		return nil, err
	}
	length, err := b.int(1, 255)
	if err != nil {
		return nil, err
	}
	leeway := int64(5)
	if b.has(4) {
		if leeway, err = b.int(4, 5); err != nil {
			return nil, err
		}
	}
	end, ok := text(b.or(3, "..."))
	if !ok {
		return nil, typeError("object of type '%s' has no len()", typeName(b[3]))
	}
	endLength := int64(utf8.RuneCountInString(end))
	if length < endLength {
		return nil, raise("AssertionError", "expected length >= %d, got %d", endLength, length)
	}
	if leeway < 0 {
		return nil, raise("AssertionError", "expected leeway >= 0, got %d", leeway)
	}
	n, err := rt.length(b[0])
	if err != nil || int64(n) <= length+leeway {
		return b[0], err
	}
	s, ok := text(b[0])
	if !ok {
		return nil, typeError(`can only concatenate %s (not "str") to %s`, typeName(b[0]), typeName(b[0]))
	}
	s = s[:byteOffset(s, int(length-endLength))]
	if i := strings.LastIndexByte(s, ' '); i >= 0 && !b.truth(2) {
		s = s[:i]
	}
	_, markup := b[0].(Markup)
	return rt.joinTexts(like(s, markup), b.or(3, "..."), s, end)
}

func wordcountFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_wordcount", 0, "s")
	if err != nil {
		return nil, err
	}
	s, err := rt.str(b[0])
	n, inWord := int64(0), false
	for _, r := range s {
		word := r == '_' || isAlnumRune(r)
		if word && !inWord {
			n++
		}
		inWord = word
	}
	return n, err
}

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	htmlTag     = regexp.MustCompile(`(?s)<.*?>`)
)

// striptagsFilter removes comments and tags, joins white space and resolves entities.
func striptagsFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_striptags", 0, "value")
	if err != nil {
		return nil, err
	}
	s, err := rt.str(b[0])
	if err != nil {
		return nil, err
	}
	s = htmlTag.ReplaceAllString(htmlComment.ReplaceAllString(s, ""), "")
	return html.UnescapeString(strings.Join(strings.FieldsFunc(s, isSpace), " ")), rt.alloc(len(s))
}

func urlencodeFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_urlencode", 0, "value")
	if err != nil {
		return nil, err
	}
	if _, isText := text(b[0]); isText {
		return rt.quoteURL(b[0], false)
	}
	if _, err := rt.iterate(b[0]); err != nil {
		return rt.quoteURL(b[0], false)
	}
	pairs := b[0]
	if o, ok := pairs.(*Object); ok {
		pairs = &View{o, "dict_items"}
	}
	var parts []string
	err = rt.each(pairs, func(item Value) error {
		pair, err := rt.unpack(item, 2)
		if err != nil {
			return err
		}
		key, err := rt.quoteURL(pair[0], true)
		if err != nil {
			return err
		}
		v, err := rt.quoteURL(pair[1], true)
		parts = append(parts, key+"="+v)
		return err
	})
	return strings.Join(parts, "&"), err
}

// quoteURL is urllib.parse.quote with "/" kept, or with "+" for a space where it is for a query.
func (rt *runtime) quoteURL(v Value, query bool) (string, error) {
	s, err := rt.str(v)
	if err != nil {
		return "", err
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || isDecimal(c) || strings.IndexByte("_.-~", c) >= 0),
			c == '/' && !query:
			b.WriteByte(c)
		case c == ' ' && query:
			b.WriteByte('+')
		default:
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return b.String(), rt.alloc(3 * len(s))
}

func xmlattrFilter(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("do_xmlattr", 1, "d", "autospace=")
	if err != nil {
		return nil, err
	}
	o, ok := b[0].(*Object)
	if u, isUndefined := b[0].(*Undefined); isUndefined {
		return nil, u.fail()
	}
	if !ok {
		return nil, raise("AttributeError", "'%s' object has no attribute 'items'", typeName(b[0]))
	}
	var parts []string
	for i, key := range o.keys {
		if _, undefined := o.values[i].(*Undefined); undefined || o.values[i] == nil {
			continue
		}
		name, ok := text(key)
		if !ok {
			return nil, typeError("expected string or bytes-like object, got '%s'", typeName(key))
		}
		if strings.ContainsAny(name, " \t\n\r\f\v/>=") {
			return nil, valueError("Invalid character in attribute name: %s", reprString(name))
		}
		escapedKey, _ := rt.escape(key)
		v, err := rt.escape(o.values[i])
		if err != nil {
			return nil, err
		}
		parts = append(parts, string(escapedKey)+`="`+string(v)+`"`)
	}
	s := strings.Join(parts, " ")
	if s != "" && truth(b.or(1, true)) {
		s = " " + s
	}
	return s, rt.alloc(len(s))
}
