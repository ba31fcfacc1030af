// Package tokenizer turns text into token ids and back, exactly as Hugging Face's
// tokenizers library does, or refuses to load.
//
// [Load] reads tokenizer.json of the byte-pair families (GPT-2, SmolLM2, Falcon,
// Phi, Llama, Mistral, Qwen and their kin) and unigram models, SentencePiece's
// tokenizer.model and tiktoken's files; [FromGGUF] converts what a GGUF file says.
// A foreign format is first written as a tokenizer.json, so there is one way in:
// [Parse]. A component that is not implemented is an error that names it.
//
// Encoding runs through the library's stages, each a file of this package: added
// tokens are cut out of the text (added.go), the rest is normalized (normalize.go),
// cut into words (pretokenize.go), encoded by the model (bpe.go, unigram.go) and
// framed by the template (postprocess.go). Truncation and padding in a
// tokenizer.json are not applied: as in transformers, they are the caller's.
package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

// A Tokenizer encodes and decodes text. Its methods may be called concurrently.
type Tokenizer struct {
	normalizer normalizer
	steps      []preTokenizer
	model      model
	added      *added
	frame      frame
	decoder    []decodeStep
	special    Special
	mustTrack  bool // a step asks where its text was in the original
	pool       sync.Pool
}

// A Special says what tokenizer_config.json and its kin call special; "" is none.
type Special struct {
	BOS, EOS, PAD, UNK string
	AddsBOS            bool // Encode(_, true) puts BOS first
	AddsEOS            bool // Encode(_, true) puts EOS last
	ModelMaxLength     int  // 0: none stated
}

// A scratch is what one call of Encode works in.
type scratch struct {
	words   words
	rawCuts []cut
	cuts    []cut
	tokens  []token
	symbols []token
	merge   merger
	cache   cache
	lattice []latticeNode
}

// file is the tokenizer.json.
type file struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []AddedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

// Parse reads a tokenizer.json. A component or option that it does not implement
// is an error that names it.
func Parse(tokenizerJSON []byte) (*Tokenizer, error) {
	f, err := parseFile(tokenizerJSON)
	if err != nil {
		return nil, err
	}
	t, err := build(f)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	return t, nil
}

func parseFile(tokenizerJSON []byte) (*file, error) {
	f := new(file)
	d := json.NewDecoder(bytes.NewReader(tokenizerJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	return f, nil
}

func build(f *file) (*Tokenizer, error) {
	if f.Version != "1.0" {
		return nil, fmt.Errorf("version %q is not 1.0", f.Version)
	}
	t := &Tokenizer{}
	var err error
	var inBytes bool
	if t.normalizer, err = parseNormalizer(f.Normalizer); err != nil {
		return nil, err
	}
	if t.steps, inBytes, err = parsePreTokenizer(f.PreTokenizer); err != nil {
		return nil, err
	}
	if t.model, err = parseModel(f.Model, inBytes); err != nil {
		return nil, err
	}
	if t.added, err = newAdded(f.AddedTokens, t.model, t.normalized); err != nil {
		return nil, err
	}
	if t.frame, err = parseFrame(f.PostProcessor); err != nil {
		return nil, err
	}
	if t.decoder, err = parseDecoder(f.Decoder); err != nil {
		return nil, err
	}
	for i, p := range t.steps {
		if m, ok := p.(*metaspace); ok && m.scheme == "first" && (i > 0 || t.normalizer != nil) {
			t.mustTrack = true
		}
	}
	t.pool.New = func() any { return &scratch{cache: newCache()} }
	return t, nil
}

// normalized returns s as the normalizer leaves it.
func (t *Tokenizer) normalized(s string) string {
	if t.normalizer == nil {
		return s
	}
	return t.normalizer.normalize(text{s: s}).s
}

// Encode returns the ids of s, with the template's special tokens where addSpecial
// is set. Each maximal ill-formed part of s counts as one U+FFFD.
func (t *Tokenizer) Encode(s string, addSpecial bool) []int32 {
	work := t.pool.Get().(*scratch)
	defer t.pool.Put(work)
	work.tokens = work.tokens[:0]
	t.encode(work, text{s: s, track: t.mustTrack}, nil)
	return t.frame.ids(work.tokens, addSpecial)
}

// EncodeOffsets is Encode that also returns, for each id, the bytes of s that it
// stands for. A token that is a part of a character has the whole character's
// range; a special token of the template has the empty range at 0.
func (t *Tokenizer) EncodeOffsets(s string, addSpecial bool) (ids []int32, offsets [][2]int) {
	work := t.pool.Get().(*scratch)
	defer t.pool.Put(work)
	work.tokens = work.tokens[:0]
	var tr trace
	t.encode(work, text{s: s, track: true}, &tr)
	t.frame.trimOffsets(s, &tr)
	return t.frame.ids(work.tokens, addSpecial), t.frame.offsets(tr.spans, addSpecial)
}

// A trace says, for each token, where it comes from and how it is spelt.
type trace struct {
	spans     []span
	spellings []string
}

// encode appends the tokens of in to work.tokens and, where tr is not nil, to tr.
func (t *Tokenizer) encode(work *scratch, in text, tr *trace) {
	in = validUTF8(in)
	work.rawCuts = t.added.find(&t.added.raw, in.s, work.rawCuts[:0])
	for _, c := range work.rawCuts {
		part := in.slice(c.start, c.end)
		if c.id >= 0 {
			work.add(token{c.id, int32(len(part.s))}, part, tr)
			continue
		}
		if t.normalizer != nil {
			part = t.normalizer.normalize(part)
		}
		work.cuts = t.added.find(&t.added.normalized, part.s, work.cuts[:0])
		for _, c := range work.cuts {
			piece := part.slice(c.start, c.end)
			if c.id >= 0 {
				work.add(token{c.id, int32(len(piece.s))}, piece, tr)
				continue
			}
			t.encodePiece(work, piece, tr)
		}
	}
}

// add appends one token that stands for all of part.
func (work *scratch) add(k token, part text, tr *trace) {
	work.tokens = append(work.tokens, k)
	if tr != nil {
		tr.spans = append(tr.spans, part.original(0, len(part.s)))
		tr.spellings = append(tr.spellings, part.s)
	}
}

// encodePiece runs a piece without added tokens through pre-tokenizers and model.
func (t *Tokenizer) encodePiece(work *scratch, piece text, tr *trace) {
	w := &work.words
	w.text = piece
	w.cuts = append(w.cuts[:0], span{0, len(piece.s)})
	for _, p := range t.steps {
		p.cut(w)
	}
	for _, c := range w.cuts {
		if c.start == c.end {
			continue
		}
		from := len(work.tokens)
		work.tokens = t.model.encode(work, w.s[c.start:c.end], work.tokens)
		if tr != nil {
			t.trace(w, c, work.tokens[from:], tr)
		}
	}
	w.text = text{} // do not keep the caller's text alive
}

// trace appends the tokens of a word to tr.
func (t *Tokenizer) trace(w *words, word span, tokens []token, tr *trace) {
	place := func(i int) int { return word.start + i }
	size := func(k token, spelling string) int { return int(k.size) }
	if m, ok := t.model.(*bpe); ok && m.vanishing() {
		at := bytesByRune(w.s[word.start:word.end])
		place = func(i int) int { return word.start + at[i] }
		size = func(k token, spelling string) int { return len(spelling) }
	}
	start := 0
	for _, k := range tokens {
		spelling, _ := t.model.token(k.id)
		if n := size(k, spelling); n > 0 {
			tr.spans = append(tr.spans, w.original(place(start), place(start+n-1)+1))
			start += n
		} else {
			tr.spans = append(tr.spans, tr.spans[len(tr.spans)-1])
		}
		tr.spellings = append(tr.spellings, spelling)
	}
}

// Token returns the token with the id, as tokenizer.json spells it.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if i, ok := t.added.byID[id]; ok {
		return t.added.tokens[i].Content, true
	}
	return t.model.token(id)
}

// ID returns the id of the token, as tokenizer.json spells it.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if i, ok := t.added.byContent[token]; ok {
		return t.added.tokens[i].ID, true
	}
	return t.model.id(token)
}

// IsSpecial reports whether id is an added token marked special.
func (t *Tokenizer) IsSpecial(id int32) bool {
	i, ok := t.added.byID[id]
	return ok && t.added.tokens[i].Special
}

// VocabSize returns the number of tokens, added ones included.
func (t *Tokenizer) VocabSize() int {
	n := t.model.size()
	for s := range t.added.byContent {
		if _, ok := t.model.id(s); !ok {
			n++
		}
	}
	return n
}

// Special returns the special tokens that the tokenizer's folder names.
func (t *Tokenizer) Special() Special { return t.special }
