package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// An spm is SentencePiece's ModelProto, as far as it says how to encode
// (sentencepiece_model.proto).
type spm struct {
	pieces       []spmPiece
	kind         uint64 // 1 unigram, 2 BPE
	byteFallback bool
	unkID        int32
	charsmap     []byte // precompiled_charsmap
	dummyPrefix  bool
	squeeze      bool // remove_extra_whitespaces
	escape       bool // escape_whitespaces
	suffix       bool // treat_whitespace_as_suffix
}

// An spmPiece is one entry of the vocabulary.
type spmPiece struct {
	text  string
	score float32
	kind  int32
}

// fromSentencePiece writes a tokenizer.model as the tokenizer.json that encodes
// like it, by the rules of transformers' build_tokenizer_from_spm_proto. Control
// pieces and the unknown piece become special tokens. What comes first and last is
// said by no such file: a tokenizer_config.json beside it does.
func fromSentencePiece(data []byte) ([]byte, error) {
	m, err := parseSPM(data)
	if err != nil {
		return nil, fmt.Errorf("neither a tokenizer.json nor a SentencePiece model nor a tiktoken file: %w", err)
	}
	if len(m.charsmap) > 0 {
		return nil, fmt.Errorf(`sentencepiece: the normalizer "Precompiled" is not implemented; save the tokenizer without it`)
	}
	if m.suffix {
		return nil, fmt.Errorf("sentencepiece: treat_whitespace_as_suffix is not implemented")
	}
	var added []AddedToken
	vocab := make(map[string]int32, len(m.pieces))
	for i, p := range m.pieces {
		if old, again := vocab[p.text]; again {
			return nil, fmt.Errorf("sentencepiece: pieces %d and %d are both %q", old, i, p.text)
		}
		vocab[p.text] = int32(i)
		if p.kind == typeControl || p.kind == typeUnknown {
			added = append(added, AddedToken{ID: int32(i), Content: p.text, Special: true})
		}
	}
	model, err := m.model(vocab)
	if err != nil {
		return nil, fmt.Errorf("sentencepiece: %w", err)
	}
	f := tokenizerFile(model, added)
	m.text(f)
	return json.MarshalIndent(f, "", " ")
}

func (m *spm) model(vocab map[string]int32) (map[string]any, error) {
	if m.unkID < 0 || int(m.unkID) >= len(m.pieces) {
		return nil, fmt.Errorf("the unknown piece %d is not one of %d", m.unkID, len(m.pieces))
	}
	switch m.kind {
	case 1:
		scored := make([][2]any, len(m.pieces))
		for i, p := range m.pieces {
			scored[i] = [2]any{p.text, float64(p.score)}
		}
		return map[string]any{"type": "Unigram", "unk_id": m.unkID, "vocab": scored, "byte_fallback": m.byteFallback}, nil
	case 2:
		model := spmModel(m.pieces, vocab, m.pieces[m.unkID].text)
		model["byte_fallback"] = m.byteFallback
		model["ignore_merges"] = len(m.userDefined()) > 0
		return model, nil
	}
	return nil, fmt.Errorf("model_type %d is not implemented: it must be 1 (unigram) or 2 (BPE)", m.kind)
}

// spmModel writes the BPE model of scored pieces: any two normal pieces that make a
// normal piece may merge, the best score first.
func spmModel(pieces []spmPiece, vocab map[string]int32, unk string) map[string]any {
	type ranked struct {
		score       float32
		id          int
		left, right string
	}
	normal := func(s string) bool {
		id, ok := vocab[s]
		return ok && pieces[id].kind == 1
	}
	var all []ranked
	for id, p := range pieces {
		if p.kind != 1 {
			continue
		}
		for cut := range p.text {
			if left, right := p.text[:cut], p.text[cut:]; cut > 0 && normal(left) && normal(right) {
				all = append(all, ranked{p.score, id, left, right})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		switch {
		case a.score != b.score && a.score > b.score:
			return -1
		case a.score != b.score:
			return 1
		case a.id != b.id:
			return a.id - b.id
		}
		return strings.Compare(a.left, b.left)
	})
	merges := make([][2]string, len(all))
	for i, r := range all {
		merges[i] = [2]string{r.left, r.right}
	}
	model := map[string]any{"type": "BPE", "vocab": vocab, "merges": merges, "fuse_unk": true, "byte_fallback": true}
	if unk != "" {
		model["unk_token"] = unk
	}
	return model
}

func (m *spm) userDefined() []string {
	var out []string
	for _, p := range m.pieces {
		if p.kind == typeUser {
			out = append(out, p.text)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return utf8.RuneCountInString(b) - utf8.RuneCountInString(a) })
	return out
}

// text adds what SentencePiece does to text before and after the model.
func (m *spm) text(f map[string]any) {
	spmText(f, m.dummyPrefix)
	var steps []any
	if m.squeeze {
		steps = append(steps, replaceRegex(`\A +`, ""), replaceRegex(" {2,}", " "))
	}
	if m.dummyPrefix {
		steps = append(steps, prependMark)
	}
	if m.escape {
		steps = append(steps, replaceString(" ", spaceMark))
	}
	if m.squeeze {
		steps = append(steps, replaceRegex(spaceMark+`+\z`, "")) // marks of the text's own too
	}
	f["normalizer"] = sequence("normalizers", steps...)
	if user := m.userDefined(); len(user) > 0 {
		for i, s := range user {
			user[i] = regexp.QuoteMeta(s)
		}
		f["pre_tokenizer"] = map[string]any{
			"type": "Split", "pattern": map[string]any{"Regex": strings.Join(user, "|")}, "behavior": "Isolated", "invert": false,
		}
	}
}

var prependMark = map[string]any{"type": "Prepend", "prepend": spaceMark}

func replaceRegex(from, to string) any {
	return map[string]any{"type": "Replace", "pattern": map[string]any{"Regex": from}, "content": to}
}

// spmText adds Llama-2's normalizer and decoder.
func spmText(f map[string]any, prefix bool) {
	normalizers := []any{replaceString(" ", spaceMark)}
	decoders := []any{replaceString(spaceMark, " "), map[string]any{"type": "ByteFallback"}, map[string]any{"type": "Fuse"}}
	if prefix {
		normalizers = append([]any{prependMark}, normalizers...)
		decoders = append(decoders, map[string]any{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	f["normalizer"] = sequence("normalizers", normalizers...)
	f["decoder"] = sequence("decoders", decoders...)
}

// parseSPM reads the protocol buffer.
func parseSPM(data []byte) (*spm, error) {
	m := &spm{kind: 1, dummyPrefix: true, squeeze: true, escape: true}
	err := fields(data, func(n protowire.Number, v field) error {
		switch n {
		case 1:
			return m.addPiece(v.bytes)
		case 2:
			return fields(v.bytes, m.trainerField)
		case 3:
			return fields(v.bytes, m.normalizerField)
		}
		return nil
	})
	if err == nil && len(m.pieces) == 0 {
		err = errors.New("it has no pieces")
	}
	return m, err
}

func (m *spm) addPiece(data []byte) error {
	p := spmPiece{kind: 1}
	err := fields(data, func(n protowire.Number, v field) error {
		switch n {
		case 1:
			p.text = string(v.bytes)
		case 2:
			p.score = math.Float32frombits(uint32(v.number))
		case 3:
			p.kind = int32(v.number)
		}
		return nil
	})
	if err == nil && (p.text == "" || !utf8.ValidString(p.text)) {
		err = fmt.Errorf("piece %d, %q, is empty or no UTF-8", len(m.pieces), p.text)
	}
	m.pieces = append(m.pieces, p)
	return err
}

func (m *spm) trainerField(n protowire.Number, v field) error {
	switch n {
	case 3:
		m.kind = v.number
	case 24:
		m.suffix = v.number != 0
	case 35:
		m.byteFallback = v.number != 0
	case 40:
		m.unkID = int32(v.number)
	}
	return nil
}

func (m *spm) normalizerField(n protowire.Number, v field) error {
	switch n {
	case 2:
		m.charsmap = v.bytes
	case 3:
		m.dummyPrefix = v.number != 0
	case 4:
		m.squeeze = v.number != 0
	case 5:
		m.escape = v.number != 0
	}
	return nil
}

// A field is a value of a protocol buffer: a number or bytes.
type field struct {
	number uint64
	bytes  []byte
}

// fields calls each for the fields of a message.
func fields(data []byte, each func(protowire.Number, field) error) error {
	for len(data) > 0 {
		n, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		var v field
		switch kind {
		case protowire.VarintType:
			v.number, size = protowire.ConsumeVarint(data)
		case protowire.Fixed32Type:
			var x uint32
			x, size = protowire.ConsumeFixed32(data)
			v.number = uint64(x)
		case protowire.BytesType:
			v.bytes, size = protowire.ConsumeBytes(data)
		default:
			size = protowire.ConsumeFieldValue(n, kind, data)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		if err := each(n, v); err != nil {
			return err
		}
	}
	return nil
}
