package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Load reads a tokenizer: a tokenizer.json, SentencePiece's tokenizer.model, a
// tiktoken file, or a Hugging Face folder that holds one of them.
//
// In a folder, tokenizer_config.json and special_tokens_map.json name the special
// tokens and may add tokens; where the configuration states add_bos_token or
// add_eos_token, that replaces the post-processor, as in transformers 5.
func Load(path string) (*Tokenizer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	var t *Tokenizer
	if info.IsDir() {
		t, err = loadFolder(path)
	} else {
		t, err = loadFile(path, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("tokenizer %q: %w", path, err)
	}
	return t, nil
}

// tokenizerFiles are the names looked for in a folder, in this order.
var tokenizerFiles = []string{"tokenizer.json", "tokenizer.model", "qwen.tiktoken", "tokenizer.tiktoken"}

func loadFolder(dir string) (*Tokenizer, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range tokenizerFiles {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return loadFile(path, c)
	}
	return nil, fmt.Errorf("the folder holds none of %q", tokenizerFiles)
}

// loadFile reads one file by what it holds; c, which may be nil, is the
// configuration beside it.
func loadFile(path string, c *config) (*Tokenizer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	data, err = toJSON(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if c == nil {
		return Parse(data)
	}
	return parseWith(data, c)
}

// toJSON returns data as a tokenizer.json.
func toJSON(data []byte) ([]byte, error) {
	switch trimmed := bytes.TrimLeft(data, " \t\r\n"); {
	case bytes.HasPrefix(trimmed, []byte("{")):
		return data, nil
	case looksLikeTiktoken(data):
		return fromTiktoken(data)
	default:
		return fromSentencePiece(data)
	}
}

// config is what tokenizer_config.json and special_tokens_map.json say.
type config struct {
	AddBOSToken        *bool                  `json:"add_bos_token"`
	AddEOSToken        *bool                  `json:"add_eos_token"`
	AddedTokensDecoder map[string]configToken `json:"added_tokens_decoder"`
	BOS                configToken            `json:"bos_token"`
	EOS                configToken            `json:"eos_token"`
	UNK                configToken            `json:"unk_token"`
	SEP                configToken            `json:"sep_token"`
	PAD                configToken            `json:"pad_token"`
	CLS                configToken            `json:"cls_token"`
	MASK               configToken            `json:"mask_token"`
	ModelMaxLength     float64                `json:"model_max_length"`
}

// A configToken is a token's text or an object with its flags; null is none.
type configToken struct{ AddedToken }

func (k *configToken) UnmarshalJSON(b []byte) error {
	*k = configToken{} // what an earlier file said
	if len(b) > 0 && b[0] == '{' {
		k.Normalized = true
		return json.Unmarshal(b, &k.AddedToken)
	}
	k.Special = true
	return json.Unmarshal(b, &k.Content)
}

// readConfig reads the files that are there. Where tokenizer_config.json has no
// added_tokens_decoder, the older special_tokens_map.json goes before it; else that
// is not read (PreTrainedTokenizerBase._from_pretrained of transformers).
func readConfig(dir string) (*config, error) {
	c := &config{}
	if err := c.read(dir, "tokenizer_config.json"); err != nil || c.AddedTokensDecoder != nil {
		return c, err
	}
	return c, c.read(dir, "special_tokens_map.json")
}

// read takes over what a file says, if it is there.
func (c *config) read(dir, name string) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, c)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// special returns the special tokens of c.
func (c *config) special() Special {
	s := Special{BOS: c.BOS.Content, EOS: c.EOS.Content, PAD: c.PAD.Content, UNK: c.UNK.Content}
	if c.ModelMaxLength < 1e15 { // transformers writes 1e30 for none
		s.ModelMaxLength = int(c.ModelMaxLength)
	}
	return s
}

// parseWith parses a tokenizer.json beside the configuration c.
func parseWith(data []byte, c *config) (*Tokenizer, error) {
	f, err := parseFile(data)
	if err != nil {
		return nil, err
	}
	if err := c.addTokens(f); err != nil {
		return nil, fmt.Errorf("tokenizer_config.json: %w", err)
	}
	t, err := build(f)
	if missing := c.unmarked(t); err == nil && missing != nil {
		f.AddedTokens = append(f.AddedTokens, missing...)
		t, err = build(f)
	}
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	t.special = c.special()
	if err := c.reframe(t); err != nil {
		return nil, fmt.Errorf("tokenizer_config.json: %w", err)
	}
	t.noteFrame()
	return t, nil
}

// addTokens adds the tokens that c knows and f does not, or with other flags.
func (c *config) addTokens(f *file) error {
	var more []AddedToken
	for key, k := range c.AddedTokensDecoder {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			return fmt.Errorf("added_tokens_decoder: %q is no id", key)
		}
		k.ID = int32(id)
		if !slices.Contains(f.AddedTokens, k.AddedToken) {
			more = append(more, k.AddedToken)
		}
	}
	slices.SortFunc(more, func(a, b AddedToken) int { return int(a.ID - b.ID) })
	f.AddedTokens = append(f.AddedTokens, more...)
	return nil
}

// unmarked returns the special tokens that c names and that are no added tokens of
// t; they become some, as in transformers, whether the vocabulary holds them or not.
func (c *config) unmarked(t *Tokenizer) (missing []AddedToken) {
	if t == nil {
		return nil
	}
	next := t.added.next
	for _, k := range []configToken{c.BOS, c.EOS, c.UNK, c.SEP, c.PAD, c.CLS, c.MASK} {
		_, marked := t.added.byContent[k.Content]
		again := slices.ContainsFunc(missing, func(a AddedToken) bool { return a.Content == k.Content })
		if k.Content == "" || marked || again {
			continue
		}
		id, known := t.model.id(k.Content)
		if !known {
			id = next
			next++
		}
		k.ID, k.Special = id, true
		missing = append(missing, k.AddedToken)
	}
	return missing
}

// reframe replaces the template where c states add_bos_token or add_eos_token.
func (c *config) reframe(t *Tokenizer) error {
	if c.AddBOSToken == nil && c.AddEOSToken == nil {
		return nil
	}
	t.frame = frame{}
	for _, add := range []struct {
		key   string
		set   *bool
		token string
		ids   *[]int32
	}{
		{"add_bos_token", c.AddBOSToken, c.BOS.Content, &t.frame.before},
		{"add_eos_token", c.AddEOSToken, c.EOS.Content, &t.frame.after},
	} {
		if add.set == nil || !*add.set || add.token == "" {
			continue
		}
		id, ok := t.ID(add.token)
		if !ok {
			return fmt.Errorf("%s: %q is not in the vocabulary", add.key, add.token)
		}
		*add.ids = []int32{id}
	}
	return nil
}

// noteFrame says in t.special what the frame adds.
func (t *Tokenizer) noteFrame() {
	if id, ok := t.ID(t.special.BOS); ok && len(t.frame.before) > 0 {
		t.special.AddsBOS = t.frame.before[0] == id
	}
	if id, ok := t.ID(t.special.EOS); ok && len(t.frame.after) > 0 {
		t.special.AddsEOS = t.frame.after[len(t.frame.after)-1] == id
	}
}
