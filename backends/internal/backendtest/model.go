package backendtest

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// Small is the config.json of a model that a test can afford and whose activations
// outweigh the process.
var Small = map[string]any{
	"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama", "hidden_act": "silu", "dtype": "float32",
	"vocab_size": 8192, "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6,
	"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
	"rope_theta": 10000.0, "tie_word_embeddings": true,
}

// WriteModel writes a model of random weights, in files of up to shard bytes (0: one).
func WriteModel(t testing.TB, dir string, config map[string]any, shard int64) {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	a, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := checkpoint.NewWriter(dir, "float32", a.Params(), shard)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, p := range a.Params() {
		values := make([]float32, p.Size())
		for i := range values {
			values[i] = 0.05 * (rng.Float32() - 0.5)
			if p.Role == checkpoint.RoleNorm {
				values[i]++
			}
		}
		if err := w.Write(p.Name, values); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}
