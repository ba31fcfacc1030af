package tokenizer

import "unicode/utf8"

// GPT-2's bijection between bytes and printable characters: printable bytes stand
// for themselves, the others for U+0100 and up (bytes_to_unicode in gpt-2/encoder.py).
var (
	byteRune [256]rune
	runeByte = make(map[rune]byte, 256)
)

func init() {
	next := rune(0x100)
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE) {
			r = next
			next++
		}
		byteRune[b] = r
		runeByte[r] = byte(b)
	}
}

// toBytes undoes the bijection; ok is false where s holds a character outside of it.
func toBytes(s string) (raw string, ok bool) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		c, ok := runeByte[r]
		if !ok {
			return "", false
		}
		b = append(b, c)
	}
	return string(b), true
}

// toRunes writes each byte of s as its character.
func toRunes(s string) string {
	b := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		b = utf8.AppendRune(b, byteRune[s[i]])
	}
	return string(b)
}

// bytesByRune returns, for each byte of toRunes(s), the byte of s that it writes.
func bytesByRune(s string) []int {
	at := make([]int, 0, 2*len(s))
	for i := range len(s) {
		for range utf8.RuneLen(byteRune[s[i]]) {
			at = append(at, i)
		}
	}
	return at
}
