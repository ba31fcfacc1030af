package jinja

import "strings"

// braceFormat is the state of one str.format.
type braceFormat struct {
	rt   *runtime
	args *args
	auto int  // the next argument of {}
	hand bool // whether fields are numbered by hand
}

func formatMethod(rt *runtime, s string, a *args) (Value, error) {
	f := &braceFormat{rt: rt, args: a}
	return f.format(s, 2)
}

func formatMapMethod(rt *runtime, s string, a *args) (Value, error) {
	if len(a.kw) > 0 {
		return nil, typeError("format_map() takes no keyword arguments")
	}
	if len(a.pos) != 1 {
		return nil, typeError("format_map() takes exactly one argument (%d given)", len(a.pos))
	}
	o, ok := a.pos[0].(*Object)
	if !ok {
		return nil, typeError("'%s' object is not a mapping", typeName(a.pos[0]))
	}
	kw := &args{}
	for i, key := range o.keys {
		if name, ok := text(key); ok {
			kw.kw = append(kw.kw, keyword{name, o.values[i]})
		}
	}
	return formatMethod(rt, s, kw)
}

// format replaces the fields of a text; a field's own format may hold fields once more.
func (f *braceFormat) format(s string, levels int) (string, error) {
	if levels == 0 {
		return "", valueError("Max string recursion exceeded")
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			i = len(s)
		}
		b.WriteString(s[:i])
		if s = s[i:]; s == "" {
			break
		}
		if len(s) > 1 && s[0] == s[1] {
			b.WriteByte(s[0])
			s = s[2:]
			continue
		}
		if s[0] == '}' {
			return "", valueError("Single '}' encountered in format string")
		}
		end, err := fieldEnd(s)
		if err != nil {
			return "", err
		}
		text, err := f.field(s[1:end], levels)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		s = s[end+1:]
	}
	return b.String(), f.rt.alloc(b.Len())
}

// fieldEnd is where the } that closes the field at s's start stands.
func fieldEnd(s string) (int, error) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i, nil
			}
		}
	}
	if len(s) == 1 {
		return 0, valueError("Single '{' encountered in format string")
	}
	return 0, valueError("expected '}' before end of string")
}

// field is the text of name!conversion:format.
func (f *braceFormat) field(field string, levels int) (string, error) {
	name, spec := field, ""
	conversion := ""
	bracket := false
	for i := range len(field) {
		if field[i] == '[' {
			bracket = true
		} else if field[i] == ']' {
			bracket = false
		}
		if bracket || field[i] != ':' && field[i] != '!' {
			continue
		}
		name, spec = field[:i], field[i+1:]
		if field[i] == '!' {
			conversion, spec, _ = strings.Cut(spec, ":")
			if conversion == "" {
				return "", valueError("end of string while looking for conversion specifier")
			}
			if len(conversion) > 1 {
				return "", valueError("expected ':' after conversion specifier")
			}
		}
		break
	}
	v, err := f.lookup(name)
	if err != nil {
		return "", err
	}
	if v, err = f.convert(v, conversion); err != nil {
		return "", err
	}
	if spec, err = f.format(spec, levels-1+btoi(spec == "")); err != nil {
		return "", err
	}
	return f.rt.formatValue(v, spec)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (f *braceFormat) convert(v Value, conversion string) (Value, error) {
	switch conversion {
	case "":
		return v, nil
	case "s":
		return f.rt.str(v)
	case "r":
		return f.rt.repr(v)
	case "a":
		s, err := f.rt.repr(v)
		return asciiRepr(s), err
	}
	return nil, valueError("Unknown conversion specifier %s", conversion)
}

// lookup finds a field's value: an argument, then attributes and items of it.
func (f *braceFormat) lookup(name string) (Value, error) {
	i := strings.IndexAny(name, ".[")
	if i < 0 {
		i = len(name)
	}
	v, err := f.arg(name[:i])
	if err != nil {
		return nil, err
	}
	for rest := name[i:]; rest != ""; {
		if rest[0] == '.' {
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			if n == 0 {
				return nil, valueError("Empty attribute in format string")
			}
			if v, err = f.rt.getattr(v, rest[1:1+n]); err != nil {
				return nil, err
			}
			rest = rest[1+n:]
			continue
		}
		if rest[0] != '[' {
			return nil, valueError("Only '.' or '[' may follow ']' in format field specifier")
		}
		n := strings.IndexByte(rest, ']')
		if n < 0 {
			return nil, valueError("Missing ']' in format string")
		}
		if n == 1 {
			return nil, valueError("Empty attribute in format string")
		}
		var key Value = rest[1:n]
		if k, ok := parseInt(rest[1:n], 10); ok && all(rest[1:n], isDecimalRune) {
			key = k
		}
		if v, err = f.rt.getitem(v, key); err != nil {
			return nil, err
		}
		rest = rest[n+1:]
	}
	return v, nil
}

// arg is an argument by number or name, the next one where the name is empty.
func (f *braceFormat) arg(name string) (Value, error) {
	n := int64(f.auto)
	if name == "" {
		if f.hand {
			return nil, valueError("cannot switch from manual field specification to automatic field numbering")
		}
		f.auto++
	} else if k, ok := parseInt(name, 10); ok && all(name, isDecimalRune) {
		if f.auto > 0 {
			return nil, valueError("cannot switch from manual field specification to automatic field numbering")
		}
		f.hand = true
		n, _ = index(k)
	} else {
		for _, k := range f.args.kw {
			if k.name == name {
				return k.value, nil
			}
		}
		return nil, raise("KeyError", "%s", reprString(name))
	}
	if n >= int64(len(f.args.pos)) {
		return nil, raise("IndexError", "tuple index out of range")
	}
	return f.args.pos[n], nil
}
