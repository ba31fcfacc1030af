package checkpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// importGGUF turns a GGUF file of the llama, qwen2 or qwen3 architecture into a
// Hugging Face folder of float32 weights: every value as the file's blocks give
// it, config.json, tokenizer and chat template rebuilt from the metadata. dir
// appears whole or not at all; it must not exist, or be empty. Where path or dir is
// at fault the error is an InputError.
func importGGUF(ctx context.Context, path, dir string) error {
	g, err := openGGUF(path)
	if err != nil {
		return &InputError{err}
	}
	defer g.close()
	if err := g.importTo(ctx, dir); err != nil {
		return fmt.Errorf("import %q: %w", path, err)
	}
	return nil
}

func (g *ggufFile) importTo(ctx context.Context, dir string) error {
	config, a, err := g.architecture()
	if err != nil {
		return &InputError{err}
	}
	return buildDir(dir, func(tmp string) error {
		if err := writeJSON(filepath.Join(tmp, "config.json"), config); err != nil {
			return err
		}
		if err := g.writeTokenizer(tmp); err != nil {
			return err
		}
		return g.writeWeights(ctx, tmp, a)
	})
}

// architecture returns config.json and what it says, which the file's tensors fit.
func (g *ggufFile) architecture() (config map[string]any, a *Architecture, err error) {
	if config, err = g.config(); err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, nil, err
	}
	if a, err = ParseArchitecture(text); err != nil {
		return nil, nil, err
	}
	if err := g.check(a); err != nil {
		return nil, nil, err
	}
	if tokens, _ := g.meta["tokenizer.ggml.tokens"].([]string); len(tokens) > a.VocabSize {
		return nil, nil, fmt.Errorf("%d tokens for a vocabulary of %d", len(tokens), a.VocabSize)
	}
	return config, a, nil
}

// ggufNames are GGUF's names for the parts of a model, by Hugging Face's.
var ggufNames = map[string]string{
	"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
	"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
	"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
	"self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
	"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}

// ggufName returns GGUF's name of a parameter: model.layers.3.mlp.up_proj.weight
// is blk.3.ffn_up.weight.
func ggufName(name string) string {
	dot := strings.LastIndexByte(name, '.')
	part, kind, prefix := name[:dot], name[dot:], ""
	if rest, ok := strings.CutPrefix(part, "model.layers."); ok {
		layer, inner, _ := strings.Cut(rest, ".")
		part, prefix = inner, "blk."+layer+"."
	}
	return prefix + ggufNames[part] + kind
}

// ropeFactors is the tensor by which GGUF stretches Llama 3's frequencies.
const ropeFactors = "rope_freqs.weight"

// check compares the file's tensors with the architecture, all faults at once.
func (g *ggufFile) check(a *Architecture) error {
	var faults faultList
	expected := map[string]bool{ropeFactors: true}
	for _, p := range a.Params() {
		name := ggufName(p.Name)
		expected[name] = true
		if t, ok := g.tensors[name]; !ok {
			faults.add("tensor %q is missing", name)
		} else if !slices.Equal(t.shape, p.Shape) {
			faults.add("tensor %q has shape %v, the metadata give %v", name, t.shape, p.Shape)
		}
	}
	for _, name := range g.names {
		if !expected[name] {
			faults.add("tensor %q is not part of the %s architecture", name, a.Family)
		}
	}
	return faults.err()
}

func (g *ggufFile) writeWeights(ctx context.Context, dir string, a *Architecture) error {
	params := a.Params()
	return Write(ctx, dir, "float32", params, func(i int) ([]float32, error) {
		name := params[i].Name
		values, err := g.float32(ggufName(name))
		if heads := permutedHeads(a, name); heads > 0 && err == nil {
			values = unpermute(values, heads, a.HeadDim)
		}
		return values, err
	})
}

// permutedHeads returns the heads of a query or key projection of the llama
// architecture, whose rows llama.cpp permutes, and 0 for other parameters.
func permutedHeads(a *Architecture, name string) int {
	switch {
	case a.Family != "llama":
		return 0
	case strings.Contains(name, ".q_proj."):
		return a.Heads
	case strings.Contains(name, ".k_proj."):
		return a.KVHeads
	}
	return 0
}

// unpermute undoes llama.cpp's permutation of rows (LlamaModel.permute of its
// convert_hf_to_gguf.py), which puts the two elements of a rotary plane side by
// side: row h*d + s*d/2 + p of the result is row h*d + 2p + s, with s in 0, 1 and
// p < d/2. values are [heads*d, in], or a bias [heads*d].
func unpermute(values []float32, heads, d int) []float32 {
	out := make([]float32, len(values))
	in := len(values) / (heads * d)
	for row := range heads * d {
		h, s, p := row/d, row%d/(d/2), row%(d/2)
		from := h*d + 2*p + s
		copy(out[row*in:(row+1)*in], values[from*in:(from+1)*in])
	}
	return out
}
