package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestArchitecture compares names, shapes and windows with those of the models
// that transformers builds from the same configurations.
func TestArchitecture(t *testing.T) {
	type golden struct {
		Config  json.RawMessage
		Shapes  map[string][]int
		Windows []int
		Padding *int
		HeadDim int `json:"head_dim"`
	}
	for i, g := range readGolden[[]golden](t, "architectures.json") {
		a, err := ParseArchitecture(g.Config)
		if err != nil {
			t.Errorf("%s: %v", g.Config, err)
			continue
		}
		t.Run(fmt.Sprintf("%s/%d", a.Family, i), func(t *testing.T) {
			got := map[string][]int{}
			for _, p := range a.Params() {
				got[p.Name] = p.Shape
			}
			if !maps.EqualFunc(got, g.Shapes, slices.Equal) {
				t.Errorf("got tensors %v\nwant %v", got, g.Shapes)
			}
			if len(a.Params()) != len(g.Shapes) {
				t.Errorf("%d parameters, want %d", len(a.Params()), len(g.Shapes))
			}
			var windows []int
			for _, b := range a.Blocks {
				windows = append(windows, b.Window)
			}
			if !slices.Equal(windows, g.Windows) {
				t.Errorf("got windows %v, want %v", windows, g.Windows)
			}
			if g.Padding == nil && a.Padding != -1 || g.Padding != nil && a.Padding != *g.Padding {
				t.Errorf("got padding %d, want %v", a.Padding, g.Padding)
			}
			if a.HeadDim != g.HeadDim {
				t.Errorf("got head dimension %d, want %d", a.HeadDim, g.HeadDim)
			}
		})
	}
}

// TestRoles checks the roles by what the names say.
func TestRoles(t *testing.T) {
	a, err := ParseArchitecture([]byte(`{"model_type": "llama", "vocab_size": 8, "hidden_size": 4, "intermediate_size": 4,
		"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 8, "attention_bias": true}`))
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, p := range a.Params() {
		want := RoleMatrix
		switch {
		case strings.HasSuffix(p.Name, ".bias"):
			want = RoleBias
		case strings.Contains(p.Name, "norm"):
			want = RoleNorm
		case strings.Contains(p.Name, "embed"):
			want = RoleEmbedding
		}
		if p.Role != want {
			t.Errorf("%s: got role %s, want %s", p.Name, p.Role, want)
		}
		size += p.Size()
	}
	if a.Size() != size {
		t.Errorf("got size %d, want %d", a.Size(), size)
	}
}

func TestArchitectureErrors(t *testing.T) {
	const sizes = `"vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64`
	for _, c := range []struct {
		config string
		want   []string
	}{
		{`[]`, []string{"not a model's configuration"}},
		{`{"model_type": "falcon", ` + sizes + `}`, []string{`"falcon" is not supported`, "llama, mistral, qwen2, qwen3"}},
		{`{` + sizes + `}`, []string{`model_type ""`}},
		{`{"model_type": "llama"}`, []string{"vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings"}},
		{`{"model_type": "llama", ` + sizes + `, "vocab_size": 9000000000}`, []string{"vocab_size is 9000000000"}},
		{`{"model_type": "llama", ` + sizes + `, "num_hidden_layers": 1000000000}`, []string{"num_hidden_layers is 1000000000"}},
		{`{"model_type": "llama", ` + sizes + `, "num_key_value_heads": 3}`, []string{"num_key_value_heads 3 does not divide"}},
		{`{"model_type": "llama", ` + sizes + `, "num_key_value_heads": 0}`, []string{"num_key_value_heads 0"}},
		{`{"model_type": "llama", ` + sizes + `, "head_dim": 3}`, []string{"head_dim 3"}},
		{`{"model_type": "llama", ` + sizes + `, "num_attention_heads": 3}`, []string{"does not divide hidden_size"}},
		{`{"model_type": "llama", ` + sizes + `, "hidden_act": "gelu"}`, []string{`hidden_act "gelu"`}},
		{`{"model_type": "llama", ` + sizes + `, "torch_dtype": "int8"}`, []string{`dtype "int8"`}},
		{`{"model_type": "llama", ` + sizes + `, "rms_norm_eps": -1}`, []string{"rms_norm_eps"}},
		{`{"model_type": "llama", ` + sizes + `, "pad_token_id": 8}`, []string{"pad_token_id 8 is not in the vocabulary of 8"}},
		{`{"model_type": "llama", ` + sizes + `, "pad_token_id": -9}`, []string{"pad_token_id -9"}},
		{`{"model_type": "llama", ` + sizes + `, "quantization_config": {"bits": 4}}`, []string{"quantized weights"}},
		{`{"model_type": "llama", ` + sizes + `, "rope_theta": 0}`, []string{"rope_theta 0"}},
		{`{"model_type": "llama", ` + sizes + `, "rope_scaling": {"rope_type": "longrope", "factor": 2}}`, []string{`"longrope"`, "supported: default"}},
		{`{"model_type": "llama", ` + sizes + `, "rope_scaling": {"type": "linear"}}`, []string{`"linear" needs a factor`}},
		{`{"model_type": "llama", ` + sizes + `, "rope_scaling": {"type": "llama3", "factor": 8}}`, []string{"low_freq_factor"}},
		{`{"model_type": "llama", ` + sizes + `, "rope_parameters": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1}}`, []string{"low_freq_factor < high_freq_factor"}},
		{`{"model_type": "llama", ` + sizes + `, "rope_scaling": {"type": "yarn", "factor": 2, "beta_slow": -1}}`, []string{"beta_slow"}},
		{`{"model_type": "llama", ` + sizes + `, "partial_rotary_factor": 0.5}`, []string{"partial_rotary_factor 0.5"}},
		{`{"model_type": "llama", ` + sizes + `, "rope_parameters": {"full_attention": {"rope_theta": 10}}}`, []string{"each type of layer"}},
		{`{"model_type": "mistral", ` + sizes + `, "num_key_value_heads": 2, "sliding_window": -1}`, []string{"sliding_window -1"}},
		{`{"model_type": "qwen2", ` + sizes + `, "num_key_value_heads": 2, "layer_types": ["full_attention"]}`, []string{"layer_types has 1 entries for 2 layers"}},
		{`{"model_type": "qwen2", ` + sizes + `, "num_key_value_heads": 2, "layer_types": ["full_attention", "linear_attention"]}`, []string{`layer_types[1] "linear_attention"`}},
		{`{"model_type": "qwen2", ` + sizes + `, "num_key_value_heads": 2, "layer_types": ["full_attention", "sliding_attention"]}`, []string{"use_sliding_window"}},
	} {
		if _, err := ParseArchitecture([]byte(c.config)); !hasAll(err, c.want...) {
			t.Errorf("%s:\n got %v\nwant %q", c.config, err, c.want)
		}
	}
}

// TestDefaultsAreNotShared checks that one configuration does not change the next.
func TestDefaultsAreNotShared(t *testing.T) {
	const sizes = `"model_type": "mistral", "vocab_size": 8, "hidden_size": 16, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 8, "max_position_embeddings": 64`
	if _, err := ParseArchitecture([]byte(`{` + sizes + `, "num_key_value_heads": 2, "sliding_window": 7}`)); err != nil {
		t.Fatal(err)
	}
	a, err := ParseArchitecture([]byte(`{` + sizes + `}`))
	if err != nil {
		t.Fatal(err)
	}
	if a.KVHeads != 8 || a.Blocks[0].Window != 4096 {
		t.Errorf("got %d key-value heads and window %d, want Mistral's 8 and 4096", a.KVHeads, a.Blocks[0].Window)
	}
}
