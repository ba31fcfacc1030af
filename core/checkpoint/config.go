package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
)

// config holds the keys of config.json that change the computation. Keys that
// are absent keep the family's defaults; null clears those behind a pointer.
type config struct {
	ModelType             string   `json:"model_type"`
	VocabSize             int      `json:"vocab_size"`
	HiddenSize            int      `json:"hidden_size"`
	IntermediateSize      int      `json:"intermediate_size"`
	NumHiddenLayers       int      `json:"num_hidden_layers"`
	NumAttentionHeads     int      `json:"num_attention_heads"`
	NumKeyValueHeads      *int     `json:"num_key_value_heads"`
	HeadDim               *int     `json:"head_dim"`
	MaxPositionEmbeddings int      `json:"max_position_embeddings"`
	RMSNormEps            float64  `json:"rms_norm_eps"`
	HiddenAct             string   `json:"hidden_act"`
	TieWordEmbeddings     bool     `json:"tie_word_embeddings"`
	AttentionBias         bool     `json:"attention_bias"`
	MLPBias               bool     `json:"mlp_bias"`
	SlidingWindow         *int     `json:"sliding_window"`
	UseSlidingWindow      bool     `json:"use_sliding_window"`
	MaxWindowLayers       int      `json:"max_window_layers"`
	PadTokenID            *int     `json:"pad_token_id"`
	LayerTypes            []string `json:"layer_types"`

	DType      string `json:"dtype"`       // transformers 5
	TorchDType string `json:"torch_dtype"` // transformers 4

	RopeParameters       *ropeConfig `json:"rope_parameters"` // transformers 5
	RopeScaling          *ropeConfig `json:"rope_scaling"`    // transformers 4, beside rope_theta
	RopeTheta            *float64    `json:"rope_theta"`
	PartialRotaryFactor  *float64    `json:"partial_rotary_factor"`
	OriginalMaxPositions *int        `json:"original_max_position_embeddings"`

	QuantizationConfig json.RawMessage `json:"quantization_config"`
}

// parseConfig reads config.json over the defaults of its family.
func parseConfig(data []byte) (*config, family, error) {
	var head struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, family{}, fmt.Errorf("not a model's configuration: %w", err)
	}
	f, err := findFamily(head.ModelType)
	if err != nil {
		return nil, family{}, err
	}
	c := f.defaults
	c.RMSNormEps, c.HiddenAct = 1e-6, "silu"
	c.NumKeyValueHeads, c.HeadDim, c.SlidingWindow = clone(c.NumKeyValueHeads), clone(c.HeadDim), clone(c.SlidingWindow)
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, family{}, err
	}
	return &c, f, nil
}

// clone keeps the decoder from writing through a pointer into the defaults.
func clone(p *int) *int {
	if p == nil {
		return nil
	}
	return ptr(*p)
}

// maxSize bounds every size, so that products of two do not overflow; maxLayers
// bounds what a description of the blocks takes.
const (
	maxSize   = 1 << 24
	maxLayers = 1 << 14
)

// check refuses, all at once, sizes that are missing or contradictory and what
// the description has no words for.
func (c *config) check() error {
	if err := c.checkSizes(); err != nil {
		return err
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if kv := c.kvHeads(); kv < 1 || c.NumAttentionHeads%kv != 0 {
		fault("num_key_value_heads %d does not divide num_attention_heads %d", kv, c.NumAttentionHeads)
	}
	if c.HeadDim == nil && c.HiddenSize%c.NumAttentionHeads != 0 {
		fault("num_attention_heads %d does not divide hidden_size %d, and there is no head_dim", c.NumAttentionHeads, c.HiddenSize)
	} else if d := c.headDim(); d < 2 || d%2 != 0 || d > maxSize/c.NumAttentionHeads {
		fault("head_dim %d is not an even number from 2 to %d", d, maxSize/c.NumAttentionHeads)
	}
	if c.RMSNormEps < 0 || c.RMSNormEps >= 1 {
		fault("rms_norm_eps %g is not in [0, 1)", c.RMSNormEps)
	}
	if c.HiddenAct != "silu" && c.HiddenAct != "swish" {
		fault("hidden_act %q is not supported (supported: silu)", c.HiddenAct)
	}
	if c.SlidingWindow != nil && *c.SlidingWindow < 1 {
		fault("sliding_window %d is not positive", *c.SlidingWindow)
	}
	if p := c.PadTokenID; p != nil && (*p < -c.VocabSize || *p >= c.VocabSize) {
		fault("pad_token_id %d is not in the vocabulary of %d", *p, c.VocabSize)
	}
	if q := c.QuantizationConfig; len(q) > 0 && string(q) != "null" {
		fault("quantized weights (quantization_config) are not supported: use the unquantized model")
	}
	if _, err := parseDType(c.dtype()); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// checkSizes refuses sizes that are missing or impossible.
func (c *config) checkSizes() error {
	var faults []error
	for _, size := range []struct {
		key        string
		value, max int
	}{
		{"vocab_size", c.VocabSize, maxSize}, {"hidden_size", c.HiddenSize, maxSize},
		{"intermediate_size", c.IntermediateSize, maxSize}, {"num_hidden_layers", c.NumHiddenLayers, maxLayers},
		{"num_attention_heads", c.NumAttentionHeads, maxSize}, {"max_position_embeddings", c.MaxPositionEmbeddings, maxSize},
	} {
		if size.value < 1 || size.value > size.max {
			faults = append(faults, fmt.Errorf("%s is %d or missing, want 1 to %d", size.key, size.value, size.max))
		}
	}
	return errors.Join(faults...)
}

func (c *config) kvHeads() int {
	if c.NumKeyValueHeads == nil {
		return c.NumAttentionHeads
	}
	return *c.NumKeyValueHeads
}

// padding returns the padding token, which as in torch may count from the
// vocabulary's end, and -1 for none.
func (c *config) padding() int {
	switch {
	case c.PadTokenID == nil:
		return -1
	case *c.PadTokenID < 0:
		return *c.PadTokenID + c.VocabSize
	}
	return *c.PadTokenID
}

func (c *config) headDim() int {
	if c.HeadDim == nil {
		return c.HiddenSize / c.NumAttentionHeads
	}
	return *c.HeadDim
}

func (c *config) dtype() string {
	switch {
	case c.DType != "":
		return c.DType
	case c.TorchDType != "":
		return c.TorchDType
	}
	return "float32"
}
