package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// shape is a Llama of random weights.
type shape struct {
	hidden, layers, heads, kvHeads, ffn, vocabulary int
	untied                                          bool // the head is not the embedding
}

var shapes = map[string]shape{
	"1m":           {128, 4, 4, 2, 352, 2048, false},
	"15m":          {288, 6, 6, 6, 768, 32000, false},
	"smollm2-135m": {576, 30, 9, 3, 1536, 49152, false},
	"350m":         {960, 32, 15, 5, 2560, 49152, false},
	"llama-1b":     {2048, 16, 32, 8, 8192, 128256, false},
	"llama-7b":     {4096, 32, 32, 32, 11008, 32000, true},
}

// config returns the config.json of a model whose weights are stored as dtype,
// "float32" or "bf16".
func (s shape) config(dtype string) ([]byte, error) {
	if dtype == "bf16" {
		dtype = "bfloat16"
	}
	return json.Marshal(map[string]any{
		"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama", "hidden_size": s.hidden,
		"intermediate_size": s.ffn, "num_hidden_layers": s.layers, "num_attention_heads": s.heads,
		"num_key_value_heads": s.kvHeads, "vocab_size": s.vocabulary, "max_position_embeddings": 8192,
		"rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": !s.untied, "hidden_act": "silu", "torch_dtype": dtype,
	})
}

// writeRandomModel writes a model of the shape into dir: norms of 1, other weights
// normal with deviation 0.02, stored as dtype.
func writeRandomModel(ctx context.Context, dir string, s shape, dtype string) (*checkpoint.Architecture, error) {
	raw, err := s.config(dtype)
	if err != nil {
		return nil, err
	}
	arch, err := checkpoint.ParseArchitecture(raw)
	if err != nil {
		return nil, err
	}
	if err := checkRoom(dir, arch, dtype); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o644); err != nil {
		return nil, err
	}
	params, draw := arch.Params(), newNormals()
	var values []float32
	return arch, checkpoint.Write(ctx, dir, dtype, params, func(i int) ([]float32, error) {
		values = slices.Grow(values[:0], params[i].Size())[:params[i].Size()]
		draw.fill(values, params[i].Role)
		core.ReporterFrom(ctx).Progress("random weights", i+1, len(params))
		return values, nil
	})
}

// checkRoom refuses a model that the disk of dir does not hold.
func checkRoom(dir string, arch *checkpoint.Architecture, dtype string) error {
	need := 4 * uint64(arch.Size())
	if dtype == "bf16" {
		need /= 2
	}
	room, err := diskRoom(dir)
	if err != nil {
		return err
	}
	if room < need {
		return fmt.Errorf("its random weights take %.1f GB and %q has room for %.1f GB; set TMPDIR to a folder on a larger disk, or take a smaller --shape",
			float64(need)/1e9, dir, float64(room)/1e9)
	}
	return nil
}

// normals is a table of normal numbers that is read from random places, for to draw
// each of a model's billions would take minutes.
type normals struct {
	rng   *rand.Rand
	table []float32
}

func newNormals() *normals {
	n := &normals{rand.New(rand.NewPCG(3, 4)), make([]float32, 1<<20)}
	for i := range n.table {
		n.table[i] = float32(n.rng.NormFloat64() * 0.02)
	}
	return n
}

func (n *normals) fill(values []float32, role checkpoint.Role) {
	if role == checkpoint.RoleNorm {
		for i := range values {
			values[i] = 1
		}
		return
	}
	for len(values) > 0 {
		values = values[copy(values, n.table[n.rng.IntN(len(n.table)):]):]
	}
}
