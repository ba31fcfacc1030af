package tokenizer

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// form is one of Unicode's four normalization forms. golang.org/x/text supplies
// the tables; the algorithm is written out because x/text breaks long runs of
// combining marks (its stream-safe format), which Hugging Face's library does
// not, and because offsets need to know what became of each character.
type form struct{ compose, compatible bool }

func (f form) table() norm.Form {
	switch {
	case f.compose && f.compatible:
		return norm.NFKC
	case f.compose:
		return norm.NFC
	case f.compatible:
		return norm.NFKD
	}
	return norm.NFD
}

func (f form) normalize(t text) text {
	if f.table().IsNormalString(t.s) {
		return t
	}
	chars := f.decompose(t.s)
	if f.compose {
		chars = recompose(chars)
	}
	w := newRewriter(t, len(t.s))
	at, last := 0, -1
	for _, c := range chars {
		if c.change > 0 {
			w.put(string(c.r), last)
			continue
		}
		w.put(string(c.r), at)
		for range 1 - c.change {
			_, n := utf8.DecodeRuneInString(t.s[at:])
			last = at
			at += n
		}
	}
	return w.text()
}

// A normalChar is a character of the result. change says how the result's
// characters stand for the source's, in order: 1 is one more for the same, 0 is
// one for one, -n is one for n+1 (as in unicode-normalization-alignments).
type normalChar struct {
	r      rune
	class  uint8 // canonical combining class
	change int
}

// decompose is Unicode's D68: full decomposition, then canonical order.
func (f form) decompose(s string) []normalChar {
	table := norm.NFD
	if f.compatible {
		table = norm.NFKD
	}
	out := make([]normalChar, 0, len(s))
	for i, r := range s {
		d := f.decomposition(table, s[i:i+utf8.RuneLen(r)], r)
		change := 0
		for len(d) > 0 {
			r, n := utf8.DecodeRune(d)
			out = insert(out, normalChar{r, combiningClass(table, d, r), change})
			d = d[n:]
			change = 1
		}
	}
	return out
}

// decomposition returns the full decomposition of r, whose encoding s is.
func (f form) decomposition(table norm.Form, s string, r rune) []byte {
	if hangulBase <= r && r < hangulEnd {
		return norm.NFD.Bytes([]byte(s))
	}
	if d := table.PropertiesString(s).Decomposition(); d != nil && decomposable().has(r) {
		return d
	}
	return []byte(s)
}

// Hangul syllables decompose by arithmetic, which x/text keeps out of its tables.
const (
	hangulBase = 0xAC00
	hangulEnd  = 0xD7A4
)

// combiningClass returns the canonical combining class of r, which d begins with. Marks that
// the reference's tables lack are starters to it.
func combiningClass(table norm.Form, d []byte, r rune) uint8 {
	if !isMark(r) {
		return 0
	}
	return table.Properties(d).CCC()
}

// insert appends c at its place in the canonical order.
func insert(s []normalChar, c normalChar) []normalChar {
	s = append(s, c)
	if c.class == 0 {
		return s
	}
	for i := len(s) - 1; i > 0 && s[i-1].class > c.class; i-- {
		s[i-1], s[i] = s[i], s[i-1]
	}
	return s
}

// recompose is Unicode's D117: each character joins the last starter if the pair
// has a primary composite and nothing between blocks it.
func recompose(s []normalChar) []normalChar {
	out := s[:0]
	starter := -1
	for _, c := range s {
		if starter >= 0 {
			last := out[len(out)-1]
			blocked := len(out)-1 > starter && (last.class == 0 || last.class >= c.class)
			if r := composite(out[starter].r, c.r); r != 0 && !blocked {
				out[starter].r = r
				out[starter].change += c.change - 1
				continue
			}
		}
		if c.class == 0 {
			starter = len(out)
		}
		out = append(out, c)
	}
	return out
}

// composite returns the primary composite of a and b, or 0.
func composite(a, b rune) rune {
	var pair [2 * utf8.UTFMax]byte
	n := utf8.EncodeRune(pair[:], a)
	n += utf8.EncodeRune(pair[n:], b)
	joined := norm.NFC.Bytes(pair[:n])
	r, size := utf8.DecodeRune(joined)
	if size < len(joined) || r < hangulBase && !decomposable().has(r) {
		return 0
	}
	return r
}
