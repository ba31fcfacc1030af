package checkpoint

import (
	"fmt"
	"io"
	"path/filepath"
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

// writeTokenizer writes generation_config.json, tokenizer_config.json and
// chat_template.jinja. The class is PreTrainedTokenizerFast: under any other,
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
	template, ok := g.meta["tokenizer.chat_template"].(string)
	if !ok {
		return nil
	}
	return writeFile(filepath.Join(dir, "chat_template.jinja"), func(w io.Writer) error {
		_, err := io.WriteString(w, template)
		return err
	})
}
