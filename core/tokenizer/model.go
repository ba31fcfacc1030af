package tokenizer

import (
	"encoding/json"
	"fmt"
)

// A model turns words into ids.
type model interface {
	// encode appends the tokens of word. It may use the scratch of s.
	encode(s *scratch, word string, tokens []token) []token
	id(token string) (int32, bool)
	token(id int32) (string, bool)
	size() int // number of tokens
}

// A token is an id and the length, in bytes, of what it stands for in the word. Length
// 0 is that of a token that stands for the same as the one before it.
type token struct{ id, size int32 }

// parseModel reads the "model" of tokenizer.json.
func parseModel(raw json.RawMessage, bytes bool) (model, error) {
	var head struct {
		Type  string          `json:"type"`
		Vocab json.RawMessage `json:"vocab"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	var m model
	var err error
	c := component{head.Type, raw}
	switch {
	case head.Type == "BPE", head.Type == "" && len(head.Vocab) > 0 && head.Vocab[0] == '{':
		m, err = newBPE(c, bytes)
	case head.Type == "Unigram", head.Type == "" && len(head.Vocab) > 0:
		m, err = newUnigram(c, bytes)
	default:
		err = fmt.Errorf("%q is not implemented", head.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return m, nil
}

// vocabulary maps tokens to ids and back.
type vocabulary struct {
	ids    map[string]int32
	tokens map[int32]string
	limit  int32 // above the greatest id
}

func newVocabulary(ids map[string]int32) (vocabulary, error) {
	v := vocabulary{ids, make(map[int32]string, len(ids)), 0}
	for s, id := range ids {
		if id < 0 {
			return v, fmt.Errorf("vocab: the id %d of %q is negative", id, s)
		}
		if old, ok := v.tokens[id]; ok {
			return v, fmt.Errorf("vocab: %q and %q have the same id %d", min(old, s), max(old, s), id)
		}
		v.tokens[id] = s
		v.limit = max(v.limit, id+1)
	}
	return v, nil
}

func (v *vocabulary) id(token string) (int32, bool) {
	id, ok := v.ids[token]
	return id, ok
}

func (v *vocabulary) token(id int32) (string, bool) {
	s, ok := v.tokens[id]
	return s, ok
}

func (v *vocabulary) size() int { return len(v.ids) }
