package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
)

// A GGUF is what a GGUF file says about its tokenizer (tokenizer.ggml.*). An id of
// -1 is none.
type GGUF struct {
	Model          string    // "gpt2" (byte-level, merges) or "llama" (SentencePiece, scores)
	Pre            string    // the pre-tokenizer of "gpt2": "smollm", "llama-bpe", "qwen2", ...
	Tokens         []string  // by id
	Scores         []float32 // by id, for "llama"
	Types          []int32   // by id: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte
	Merges         []string  // "a b", lowest rank first, for "gpt2"
	BOS, EOS       int32
	UNK, PAD       int32
	AddBOS, AddEOS bool
	AddSpacePrefix bool // llama.cpp's default is true for "llama"
}

// Kinds of tokens, the same in GGUF and in SentencePiece's model.
const (
	typeUnknown = 2
	typeControl = 3
	typeUser    = 4
	typeByte    = 6
)

// ggufPre gives the tokenizer.json pre-tokenizer that each name stands for
// (llama.cpp, llama-vocab.cpp).
var ggufPre = map[string]any{
	"smollm":           sequence("pretokenizers", digits(true), byteLevelPre(true)),
	"starcoder":        sequence("pretokenizers", digits(true), byteLevelPre(true)),
	"refact":           sequence("pretokenizers", digits(true), byteLevelPre(true)),
	"command-r":        sequence("pretokenizers", digits(true), byteLevelPre(true)),
	"gpt-2":            byteLevelPre(true),
	"phi-2":            byteLevelPre(true),
	"olmo":             byteLevelPre(true),
	"llama-bpe":        splitPre(patternLlama3),
	"llama3":           splitPre(patternLlama3),
	"llama-v3":         splitPre(patternLlama3),
	"dbrx":             splitPre(patternLlama3),
	"smaug-bpe":        splitPre(patternLlama3),
	"qwen2":            splitPre(patternQwen2),
	"stablelm2":        splitPre(patternQwen2),
	"deepseek-r1-qwen": splitPre(patternQwen2),
}

// FromGGUF writes the tokenizer as a tokenizer.json.
func FromGGUF(g GGUF) ([]byte, error) {
	var f map[string]any
	var err error
	switch g.Model {
	case "gpt2":
		f, err = g.byteLevel()
	case "llama":
		f, err = g.sentencePiece()
	default:
		err = fmt.Errorf("model %q is not implemented: it must be gpt2 or llama", g.Model)
	}
	if err != nil {
		return nil, fmt.Errorf("gguf tokenizer: %w", err)
	}
	return json.MarshalIndent(f, "", "  ")
}

func (g *GGUF) byteLevel() (map[string]any, error) {
	pre, ok := ggufPre[g.Pre]
	if !ok {
		return nil, fmt.Errorf("pre-tokenizer %q is not implemented; get the model in Hugging Face's format", g.Pre)
	}
	added, err := g.added()
	if err != nil {
		return nil, err
	}
	vocab, err := g.vocab()
	if err != nil {
		return nil, err
	}
	model := map[string]any{"type": "BPE", "vocab": vocab, "merges": g.Merges}
	if slices.Contains([]string{"llama-bpe", "llama3", "llama-v3"}, g.Pre) {
		model["ignore_merges"] = true
	}
	post, err := g.template()
	if err != nil {
		return nil, err
	}
	f := tokenizerFile(model, added)
	f["pre_tokenizer"] = pre
	f["decoder"] = map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}
	f["post_processor"] = post
	if g.Pre == "qwen2" {
		f["normalizer"] = map[string]any{"type": "NFC"}
	}
	return f, nil
}

func (g *GGUF) sentencePiece() (map[string]any, error) {
	if len(g.Scores) != len(g.Tokens) {
		return nil, fmt.Errorf("%d scores for %d tokens", len(g.Scores), len(g.Tokens))
	}
	added, err := g.added()
	if err != nil {
		return nil, err
	}
	vocab, err := g.vocab()
	if err != nil {
		return nil, err
	}
	post, err := g.template()
	if err != nil {
		return nil, err
	}
	f := tokenizerFile(spmModel(g.pieces(), vocab, g.unk()), added)
	f["post_processor"] = post
	spmText(f, g.AddSpacePrefix)
	return f, nil
}

func (g *GGUF) pieces() []spmPiece {
	pieces := make([]spmPiece, len(g.Tokens))
	for i, s := range g.Tokens {
		pieces[i] = spmPiece{s, g.Scores[i], g.kind(i)}
	}
	return pieces
}

func (g *GGUF) unk() string {
	if g.UNK >= 0 && int(g.UNK) < len(g.Tokens) {
		return g.Tokens[g.UNK]
	}
	return ""
}

func (g *GGUF) kind(i int) int32 {
	if i < len(g.Types) {
		return g.Types[i]
	}
	return 1
}

func (g *GGUF) vocab() (map[string]int32, error) {
	if len(g.Types) != 0 && len(g.Types) != len(g.Tokens) {
		return nil, fmt.Errorf("%d types for %d tokens", len(g.Types), len(g.Tokens))
	}
	vocab := make(map[string]int32, len(g.Tokens))
	for i, s := range g.Tokens {
		if old, again := vocab[s]; again {
			return nil, fmt.Errorf("tokens %d and %d are both %q", old, i, s)
		}
		vocab[s] = int32(i)
	}
	return vocab, nil
}

// added returns the control and user-defined tokens, and those the ids name.
func (g *GGUF) added() ([]AddedToken, error) {
	named := map[int32]bool{}
	for _, id := range []int32{g.BOS, g.EOS, g.UNK, g.PAD} {
		if id < -1 || int(id) >= len(g.Tokens) {
			return nil, fmt.Errorf("id %d is not one of the %d tokens", id, len(g.Tokens))
		}
		named[id] = id >= 0
	}
	var out []AddedToken
	for i, s := range g.Tokens {
		kind := g.kind(i)
		special := kind == typeControl || kind == typeUnknown || named[int32(i)]
		if special || kind == typeUser {
			out = append(out, AddedToken{ID: int32(i), Content: s, Special: special})
		}
	}
	return out, nil
}

// template puts BOS and EOS around a text where the file says so.
func (g *GGUF) template() (any, error) {
	bos, eos := "", ""
	if g.AddBOS {
		if g.BOS < 0 {
			return nil, fmt.Errorf("add_bos_token is set, but there is no bos_token_id")
		}
		bos = g.Tokens[g.BOS]
	}
	if g.AddEOS {
		if g.EOS < 0 {
			return nil, fmt.Errorf("add_eos_token is set, but there is no eos_token_id")
		}
		eos = g.Tokens[g.EOS]
	}
	return framePost(bos, g.BOS, eos, g.EOS), nil
}
