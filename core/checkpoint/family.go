package checkpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A family is what its model_type adds to the sizes in config.json: the values
// transformers assumes where config.json is silent, and the traits it gives to
// the blocks. SOLAR and Yi are of the family llama.
type family struct {
	defaults config
	traits   func(c *config) (traits, error)
}

// traits are the ways in which the blocks of the families differ.
type traits struct {
	qkvBias, outputBias, mlpBias bool
	qkNorm                       bool
	windows                      []int // by layer; nil = no window anywhere
}

// families follows the configuration_*.py and modeling_*.py of transformers 5.
var families = map[string]family{
	"llama": {
		traits: func(c *config) (traits, error) {
			return traits{qkvBias: c.AttentionBias, outputBias: c.AttentionBias, mlpBias: c.MLPBias}, nil
		},
	},
	"mistral": {
		defaults: config{NumKeyValueHeads: ptr(8), SlidingWindow: ptr(4096)},
		traits: func(c *config) (traits, error) {
			if c.SlidingWindow == nil {
				return traits{}, nil
			}
			return traits{windows: slices.Repeat([]int{*c.SlidingWindow}, c.NumHiddenLayers)}, nil
		},
	},
	"qwen2": {
		defaults: config{NumKeyValueHeads: ptr(32), SlidingWindow: ptr(4096), MaxWindowLayers: 28},
		traits: func(c *config) (traits, error) {
			windows, err := c.layerWindows()
			return traits{qkvBias: true, windows: windows}, err
		},
	},
	"qwen3": {
		defaults: config{NumKeyValueHeads: ptr(32), HeadDim: ptr(128), SlidingWindow: ptr(4096), MaxWindowLayers: 28},
		traits: func(c *config) (traits, error) {
			windows, err := c.layerWindows()
			return traits{qkvBias: c.AttentionBias, outputBias: c.AttentionBias, qkNorm: true, windows: windows}, err
		},
	},
}

func ptr[T any](v T) *T { return &v }

// findFamily returns the family of a model_type.
func findFamily(modelType string) (family, error) {
	f, ok := families[modelType]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(families)), ", ")
		return family{}, fmt.Errorf("model_type %q is not supported (supported: %s)", modelType, known)
	}
	return f, nil
}

// layerWindows returns the window of each layer by Qwen's rules: none unless
// use_sliding_window; then in the layers that layer_types calls sliding_attention
// or, where it is absent, from max_window_layers on.
func (c *config) layerWindows() ([]int, error) {
	windows := make([]int, c.NumHiddenLayers)
	if c.LayerTypes != nil && len(c.LayerTypes) != len(windows) {
		return nil, fmt.Errorf("layer_types has %d entries for %d layers", len(c.LayerTypes), len(windows))
	}
	on := c.UseSlidingWindow && c.SlidingWindow != nil
	for i := range windows {
		sliding := on && i >= c.MaxWindowLayers
		if c.LayerTypes != nil {
			switch c.LayerTypes[i] {
			case "full_attention":
				sliding = false
			case "sliding_attention":
				sliding = true
			default:
				return nil, fmt.Errorf("layer_types[%d] %q is not supported (supported: full_attention, sliding_attention)", i, c.LayerTypes[i])
			}
		}
		if sliding && !on {
			return nil, fmt.Errorf("layer_types[%d] is sliding_attention, but use_sliding_window or sliding_window is off", i)
		}
		if sliding {
			windows[i] = *c.SlidingWindow
		}
	}
	return windows, nil
}
