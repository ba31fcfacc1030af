package tokenizer

import "strings"

// A Stream decodes ids one by one, for text that appears while it is generated: what
// Next and at last Rest return, joined, is Decode of all the ids.
type Stream struct {
	t           *Tokenizer
	skipSpecial bool
	ids         []int32 // the ids that what comes next depends on
	shown       int     // how many of ids stand for returned text only
	text        string  // the beginning of Decode(ids) that was returned
}

// NewStream returns a Stream; skipSpecial is Decode's.
func (t *Tokenizer) NewStream(skipSpecial bool) *Stream {
	return &Stream{t: t, skipSpecial: skipSpecial}
}

// Next takes the next id and returns the text that is now certain. A U+FFFD at the
// end may be a character whose other bytes are to come.
func (s *Stream) Next(id int32) string {
	s.ids = append(s.ids, id)
	text := s.t.Decode(s.ids, s.skipSpecial)
	certain := strings.TrimRight(text, "\uFFFD")
	if len(certain) <= len(s.text) || !strings.HasPrefix(certain, s.text) {
		return ""
	}
	more := certain[len(s.text):]
	s.text = certain
	if certain == text {
		s.forget()
	}
	return more
}

// forget drops the ids before those of the last text. These stay, since a decoder
// treats the first token of all specially.
func (s *Stream) forget() {
	s.ids = append(s.ids[:0], s.ids[s.shown:]...)
	s.shown = len(s.ids)
	s.text = s.t.Decode(s.ids, s.skipSpecial)
}

// Rest returns the text that was held back and makes s new.
func (s *Stream) Rest() string {
	rest := strings.TrimPrefix(s.t.Decode(s.ids, s.skipSpecial), s.text)
	s.ids, s.shown, s.text = s.ids[:0], 0, ""
	return rest
}
