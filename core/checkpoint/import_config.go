package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ggufClasses are the architectures that can be imported, with transformers' class.
var ggufClasses = map[string]string{
	"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM",
}

// config returns config.json in the spellings of transformers 4 and 5.
func (g *ggufFile) config() (map[string]any, error) {
	arch, _ := g.meta["general.architecture"].(string)
	class, ok := ggufClasses[arch]
	if !ok {
		return nil, fmt.Errorf("general.architecture %q is not supported (supported: llama, qwen2, qwen3)", arch)
	}
	m := &ggufMeta{meta: g.meta, prefix: arch + "."}
	if n, ok := m.number("expert_count"); ok && n > 0 {
		return nil, fmt.Errorf("mixtures of experts are not supported (%sexpert_count is %v)", m.prefix, n)
	}
	hidden, heads := m.size("embedding_length"), m.size("attention.head_count")
	c := map[string]any{
		"model_type": arch, "architectures": []string{class}, "hidden_act": "silu",
		"dtype": "float32", "torch_dtype": "float32",
		"hidden_size": hidden, "intermediate_size": m.size("feed_forward_length"),
		"num_hidden_layers": m.size("block_count"), "num_attention_heads": heads,
		"num_key_value_heads":     m.sizeOr("attention.head_count_kv", heads),
		"max_position_embeddings": m.size("context_length"),
		"rms_norm_eps":            decimal(m.float("attention.layer_norm_rms_epsilon", 0)),
	}
	if err := errors.Join(m.faults...); err != nil {
		return nil, err
	}
	g.addFromTensors(c)
	headDim := m.sizeOr("attention.key_length", hidden/heads)
	if d := m.sizeOr("rope.dimension_count", headDim); d != headDim {
		return nil, fmt.Errorf("a rotary embedding of %d of %d dimensions is not supported", d, headDim)
	}
	c["head_dim"] = headDim
	return c, g.addRoPE(c, m)
}

// addFromTensors adds what the tensors tell and the metadata do not.
func (g *ggufFile) addFromTensors(c map[string]any) {
	has := func(name string) bool { _, ok := g.tensors[name]; return ok }
	if t := g.tensors["token_embd.weight"]; len(t.shape) == 2 {
		c["vocab_size"] = t.shape[0]
	}
	c["tie_word_embeddings"] = !has("output.weight")
	if c["model_type"] != "qwen2" { // whose biases go without saying
		c["attention_bias"] = has("blk.0.attn_output.bias")
	}
	if c["model_type"] == "llama" {
		c["mlp_bias"] = has("blk.0.ffn_down.bias")
	}
	for _, kind := range []string{"bos", "eos", "pad"} {
		c[kind+"_token_id"] = g.tokenID(kind)
	}
}

// addRoPE adds the rotary embedding in both spellings.
func (g *ggufFile) addRoPE(c map[string]any, m *ggufMeta) error {
	theta := m.float("rope.freq_base", 10000)
	scaling, err := g.scaling(c, theta, m)
	if err := errors.Join(append(m.faults, err)...); err != nil {
		return err
	}
	parameters := map[string]any{"rope_type": "default", "rope_theta": decimal(theta)}
	for key, value := range scaling {
		parameters[key] = value
	}
	c["rope_theta"], c["rope_parameters"], c["rope_scaling"] = decimal(theta), parameters, nil
	if scaling != nil {
		c["rope_scaling"] = scaling
	}
	return nil
}

// decimal writes a number so that Python reads a float: 100000.0, not 100000.
func decimal(v float64) json.Number {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return json.Number(s)
}

// scaling returns rope_scaling, nil for none.
func (g *ggufFile) scaling(c map[string]any, theta float64, m *ggufMeta) (map[string]any, error) {
	kind, _ := g.meta[m.prefix+"rope.scaling.type"].(string)
	factor := m.float("rope.scaling.factor", 0)
	if _, ok := g.tensors[ropeFactors]; ok {
		return g.llama3Scaling(c["head_dim"].(int), theta)
	}
	switch {
	case kind == "" || kind == "none" || factor == 0 || factor == 1:
		return nil, nil
	case kind == "linear":
		return map[string]any{"rope_type": kind, "type": kind, "factor": decimal(factor)}, nil
	case kind == "yarn":
		original := m.sizeOr("rope.scaling.original_context_length", c["max_position_embeddings"].(int))
		return map[string]any{"rope_type": kind, "type": kind, "factor": decimal(factor), "original_max_position_embeddings": original}, nil
	}
	return nil, fmt.Errorf("rope scaling %q is not supported (supported: linear, yarn, llama3)", kind)
}

// llama3Scaling recognises Llama 3's scaling by the factors it gives, since the
// file has these and not the parameters: 8 for Llama 3.1 and 3.3, 32 for 3.2.
func (g *ggufFile) llama3Scaling(headDim int, theta float64) (map[string]any, error) {
	got, err := g.float32(ropeFactors)
	if err != nil {
		return nil, err
	}
	if len(got) != headDim/2 {
		return nil, fmt.Errorf("tensor %q has %d values for a head of %d", ropeFactors, len(got), headDim)
	}
	plain := RoPE{Type: "default", Dim: headDim, Theta: theta}.frequencies(0)
	for _, factor := range []float64{8, 32} {
		scaled := RoPE{Type: "llama3", Dim: headDim, Theta: theta, Factor: factor, LowFreqFactor: 1, HighFreqFactor: 4, OriginalMaxPositions: 8192}.frequencies(0)
		if agree(got, plain, scaled) {
			return map[string]any{
				"rope_type": "llama3", "factor": decimal(factor), "low_freq_factor": decimal(1), "high_freq_factor": decimal(4),
				"original_max_position_embeddings": 8192,
			}, nil
		}
	}
	return nil, fmt.Errorf("tensor %q is not Llama 3's scaling by 8 or 32", ropeFactors)
}

// agree says whether dividing the plain frequencies by the factors gives the scaled.
func agree(factors, plain, scaled []float32) bool {
	for j, f := range factors {
		if !(math.Abs(float64(f*scaled[j]/plain[j])-1) < 1e-4) {
			return false
		}
	}
	return true
}

// A ggufMeta reads the architecture's own metadata and gathers faults.
type ggufMeta struct {
	meta   map[string]any
	prefix string
	faults []error
}

// number returns a number, whatever its type in the file.
func (m *ggufMeta) number(key string) (float64, bool) {
	switch v := m.meta[m.prefix+key].(type) {
	case uint32:
		return float64(v), true
	case int32:
		return float64(v), true
	case uint64:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint16:
		return float64(v), true
	case float64:
		return v, true
	case float32: // the shortest decimal of it, so that 1e-5 stays 1e-5
		f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
		return f, err == nil
	}
	return 0, false
}

// size returns a whole number that must be there.
func (m *ggufMeta) size(key string) int {
	v, ok := m.number(key)
	if !ok || v < 1 || v > maxSize || v != math.Trunc(v) {
		m.faults = append(m.faults, fmt.Errorf("metadata %q is missing or no whole number: %v", m.prefix+key, m.meta[m.prefix+key]))
		return 0
	}
	return int(v)
}

func (m *ggufMeta) sizeOr(key string, otherwise int) int {
	if _, ok := m.meta[m.prefix+key]; !ok {
		return otherwise
	}
	return m.size(key)
}

// float returns a finite number.
func (m *ggufMeta) float(key string, otherwise float64) float64 {
	v, ok := m.number(key)
	if !ok {
		return otherwise
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		m.faults = append(m.faults, fmt.Errorf("metadata %q is %g", m.prefix+key, v))
		return otherwise
	}
	return v
}
