package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A span is a half-open range of bytes.
type span struct{ start, end int }

// A text is a string on its way to the model together with where it came from:
// a normalizer changes s, and the spans go on saying which bytes of the caller's
// text stand behind each byte of s (NormalizedString in Hugging Face's library).
type text struct {
	s string
	// base is where s begins in the original. It is exact while s is a plain cut
	// of the original (spans == nil) and the start of that cut afterwards.
	base int
	// spans holds, for each byte of s, the original characters behind it; nil
	// where s is the original itself or nobody asked for offsets.
	spans []span
	// track asks that spans be kept when s changes.
	track bool
}

// slice returns the part of t between the byte positions start and end of t.s.
func (t text) slice(start, end int) text {
	t.s = t.s[start:end]
	if t.spans != nil {
		t.spans = t.spans[start:end]
		return t
	}
	t.base += start
	return t
}

// original returns the range of the original behind bytes [start, end) of t.s,
// whole characters always. It is meaningful only where t tracks.
func (t text) original(start, end int) span {
	if start >= end {
		return span{start, end}
	}
	if t.spans != nil {
		return span{t.spans[start].start, t.spans[end-1].end}
	}
	for start > 0 && !utf8.RuneStart(t.s[start]) {
		start--
	}
	for end < len(t.s) && !utf8.RuneStart(t.s[end]) {
		end++
	}
	return span{t.base + start, t.base + end}
}

// A rewriter builds the changed form of a text, left to right.
type rewriter struct {
	src   text
	out   strings.Builder
	spans []span
}

func newRewriter(t text, size int) *rewriter {
	w := &rewriter{src: t}
	w.out.Grow(size)
	if t.track {
		w.spans = make([]span, 0, size)
	}
	return w
}

// keep copies bytes [start, end) of the source, which must be whole characters.
func (w *rewriter) keep(start, end int) {
	w.out.WriteString(w.src.s[start:end])
	if !w.src.track {
		return
	}
	if w.src.spans != nil {
		w.spans = append(w.spans, w.src.spans[start:end]...)
		return
	}
	for i := start; i < end; {
		_, n := utf8.DecodeRuneInString(w.src.s[i:])
		for range n {
			w.spans = append(w.spans, span{w.src.base + i, w.src.base + i + n})
		}
		i += n
	}
}

// put writes s in the place of the source's character that covers byte at.
func (w *rewriter) put(s string, at int) {
	w.out.WriteString(s)
	if !w.src.track {
		return
	}
	behind := span{}
	if at >= 0 && at < len(w.src.s) {
		behind = w.src.original(at, at+1)
	}
	for range len(s) {
		w.spans = append(w.spans, behind)
	}
}

// text returns what was written.
func (w *rewriter) text() text {
	t := w.src
	t.s = w.out.String()
	if t.track {
		t.spans = w.spans
	}
	return t
}

// replaceByte returns t with each byte old, an ASCII character, replaced.
func (t text) replaceByte(old byte, with string) text {
	n := strings.Count(t.s, string(rune(old)))
	if n == 0 {
		return t
	}
	w := newRewriter(t, len(t.s)+n*(len(with)-1))
	rest := 0
	for {
		i := strings.IndexByte(t.s[rest:], old)
		if i < 0 {
			break
		}
		w.keep(rest, rest+i)
		w.put(with, rest+i)
		rest += i + 1
	}
	w.keep(rest, len(t.s))
	return w.text()
}

// prepend returns t with s before it, unless t is empty.
func (t text) prepend(s string) text {
	if t.s == "" || s == "" {
		return t
	}
	w := newRewriter(t, len(s)+len(t.s))
	w.put(s, 0)
	w.keep(0, len(t.s))
	return w.text()
}

// validUTF8 makes s well-formed as Rust's String::from_utf8_lossy does: one
// U+FFFD for each maximal ill-formed part (Unicode 15, section 3.9, table 3-8).
func validUTF8(t text) text {
	if utf8.ValidString(t.s) {
		return t
	}
	w := &rewriter{src: t}
	w.out.Grow(len(t.s) + 16)
	for i := 0; i < len(t.s); {
		r, n := utf8.DecodeRuneInString(t.s[i:])
		s := t.s[i : i+n]
		if r == utf8.RuneError && n == 1 {
			n = illFormed(t.s[i:])
			s = "\uFFFD"
		}
		w.out.WriteString(s)
		if t.track {
			for range len(s) {
				w.spans = append(w.spans, span{t.base + i, t.base + i + n})
			}
		}
		i += n
	}
	return w.text()
}

// illFormed returns the length of the maximal ill-formed part that s begins with.
func illFormed(s string) int {
	lo, hi, want := byte(0x80), byte(0xBF), 0
	switch c := s[0]; {
	case c >= 0xC2 && c <= 0xDF:
		want = 1
	case c >= 0xE0 && c <= 0xEF:
		want = 2
		if c == 0xE0 {
			lo = 0xA0
		} else if c == 0xED {
			hi = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		want = 3
		if c == 0xF0 {
			lo = 0x90
		} else if c == 0xF4 {
			hi = 0x8F
		}
	}
	n := 1
	for n <= want && n < len(s) && s[n] >= lo && s[n] <= hi {
		lo, hi = 0x80, 0xBF
		n++
	}
	return n
}
