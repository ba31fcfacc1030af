package jinja

import (
	"fmt"
	"strings"
	"time"
)

// strftimeNow is transformers' strftime_now(format), in the C locale.
func strftimeNow(rt *runtime, a *args) (Value, error) {
	b, err := a.bind("_cached_compile_jinja_template.<locals>.strftime_now", 0, "format")
	if err != nil {
		return nil, err
	}
	format, ok := text(b[0])
	if !ok {
		return nil, typeError("strftime() argument 1 must be str, not %s", typeName(b[0]))
	}
	s, err := strftime(rt.now(), format)
	if err != nil {
		return nil, err
	}
	return s, rt.alloc(len(s))
}

// layouts are the directives that Go's time layouts can say.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'd': "02", 'e': "_2", 'm': "01", 'y': "06", 'Y': "2006",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'P': "pm", 'j': "002", 'D': "01/02/06", 'x': "01/02/06",
	'F': "2006-01-02", 'T': "15:04:05", 'X': "15:04:05", 'R': "15:04", 'r': "03:04:05 PM", 'c': "Mon Jan _2 15:04:05 2006",
}

// strftime formats a time by C's directives, glibc's - (no padding) among them.
func strftime(t time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i == len(format)-1 {
			b.WriteByte(format[i])
			continue
		}
		i++
		bare := format[i] == '-' && i < len(format)-1
		if bare {
			i++
		}
		s, err := directive(t, format[i])
		if err != nil {
			return "", err
		}
		if bare {
			s = unpadded(s)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// unpadded drops the zeros and spaces that pad a number.
func unpadded(s string) string {
	if trimmed := strings.TrimLeft(s, "0 "); trimmed != "" {
		return trimmed
	}
	return "0"
}

func directive(t time.Time, c byte) (string, error) {
	if layout, ok := layouts[c]; ok {
		return t.Format(layout), nil
	}
	weekday := int(t.Weekday())
	year, week := t.ISOWeek()
	switch c {
	case '%':
		return "%", nil
	case 'n':
		return "\n", nil
	case 't':
		return "\t", nil
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), nil
	case 'w':
		return itoa(weekday), nil
	case 'u':
		return itoa((weekday+6)%7 + 1), nil
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()-1+7-weekday)/7), nil
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()-1+7-(weekday+6)%7)/7), nil
	case 'G':
		return fmt.Sprintf("%04d", year), nil
	case 'V':
		return fmt.Sprintf("%02d", week), nil
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), nil
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), nil
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), nil
	case 's':
		return fmt.Sprint(t.Unix()), nil
	case 'z', 'Z':
		return "", nil // the time that Python's datetime.now() gives has no zone
	}
	return "", unsupported("the directive %%%c of strftime_now", c)
}
