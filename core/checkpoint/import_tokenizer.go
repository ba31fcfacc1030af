package checkpoint

import (
	"fmt"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

// specialKinds are the special tokens by their name in Hugging Face's files, with
// GGUF's word in tokenizer.ggml.WORD_token_id.
var specialKinds = map[string]string{"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}

// tokenID returns the id of a special token, nil where the file has none.
func (g *ggufFile) tokenID(kind string) any {
	if id, ok := g.meta["tokenizer.ggml."+specialKinds[kind]+"_token_id"].(uint32); ok {
		return id
	}
	return nil
}

// writeTokenizer writes tokenizer.json, tokenizer_config.json, chat_template.jinja
// and generation_config.json. The class is PreTrainedTokenizerFast: under any other,
// transformers replaces the pre-tokenizer of tokenizer.json by the class's own.
func (g *ggufFile) writeTokenizer(dir string) error {
	generation := map[string]any{"_from_model_config": true}
	config := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false}
	tokens, _ := g.meta["tokenizer.ggml.tokens"].([]string)
	for kind := range specialKinds {
		id := g.tokenID(kind)
		if id == nil {
			continue
		}
		if int(id.(uint32)) >= len(tokens) {
			return fmt.Errorf("the %s token's id %d is not among the %d tokens", kind, id, len(tokens))
		}
		config[kind+"_token"] = tokens[id.(uint32)]
		if kind != "unk" {
			generation[kind+"_token_id"] = id
		}
	}
	m := ggufMeta{meta: g.meta, prefix: g.meta["general.architecture"].(string) + "."}
	config["model_max_length"] = m.size("context_length")
	if err := writeJSON(filepath.Join(dir, "generation_config.json"), generation); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, "tokenizer_config.json"), config); err != nil {
		return err
	}
	file, err := tokenizer.FromGGUF(g.tokenizer())
	if err != nil {
		return err
	}
	if err := writeText(filepath.Join(dir, "tokenizer.json"), string(file)); err != nil {
		return err
	}
	if template, ok := g.meta["tokenizer.chat_template"].(string); ok {
		return writeText(filepath.Join(dir, "chat_template.jinja"), template)
	}
	return nil
}

// tokenizer gathers the metadata of the tokenizer, with llama.cpp's defaults:
// SentencePiece and Llama 3 begin with BOS, SentencePiece with a space.
func (g *ggufFile) tokenizer() tokenizer.GGUF {
	id := func(kind string) int32 {
		if id, ok := g.tokenID(kind).(uint32); ok {
			return int32(id)
		}
		return -1
	}
	t := tokenizer.GGUF{
		Model: meta(g, "model", ""), Pre: meta(g, "pre", ""), Tokens: meta[[]string](g, "tokens", nil),
		Scores: meta[[]float32](g, "scores", nil), Types: meta[[]int32](g, "token_type", nil),
		Merges: meta[[]string](g, "merges", nil),
		BOS:    id("bos"), EOS: id("eos"), UNK: id("unk"), PAD: id("pad"),
		AddEOS: meta(g, "add_eos_token", false),
	}
	t.AddSpacePrefix = meta(g, "add_space_prefix", t.Model == "llama")
	t.AddBOS = meta(g, "add_bos_token", t.Model == "llama" || t.Pre == "llama-bpe")
	return t
}

// meta returns tokenizer.ggml.KEY, or what llama.cpp assumes where it is absent or
// of another type.
func meta[T any](g *ggufFile, key string, otherwise T) T {
	if v, ok := g.meta["tokenizer.ggml."+key].(T); ok {
		return v
	}
	return otherwise
}
