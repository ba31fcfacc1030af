// Command generate makes everything in examples/embedded: a small world of
// animals, a tokenizer, a base model that has read a corpus with mistakes in
// it, two preference sources, held-out pairs and a benchmark. From the
// repository's root:
//
//	go run ./examples/embedded/generate
//
// It takes about a minute. Another machine's arithmetic may give other weights;
// the data are the same everywhere.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

const (
	root   = "examples/embedded"
	merges = 300
	seed   = 20231228 // the day the paper appeared
)

func main() {
	log.SetFlags(0)
	if _, err := os.Stat("go.mod"); err != nil {
		log.Fatal("run it from the repository's root: go run ./examples/embedded/generate")
	}
	if err := generate(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func generate(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	world := facts(rng)
	if err := writeData(world, rng); err != nil {
		return err
	}
	vocabulary, pairs := trainBPE(texts(world), merges)
	if err := writeModelFiles(vocabulary, pairs); err != nil {
		return err
	}
	return pretrain(ctx, world, len(vocabulary)+2, rng)
}

// texts are what the tokenizer is trained on.
func texts(world []fact) []string {
	out := []string{"user\n", "assistant\n"}
	for _, f := range world {
		for phrasing := range f.attribute.questions {
			out = append(out, f.question(phrasing))
		}
		for value := range f.attribute.values {
			out = append(out, f.answer(value))
		}
	}
	return out
}

// turn is a message of a conversation.
type turn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// pair is a row of preference data, TRL's conversational format with an
// explicit prompt.
type pair struct {
	Prompt   []turn `json:"prompt"`
	Chosen   []turn `json:"chosen"`
	Rejected []turn `json:"rejected"`
}

// question is a row of the benchmark.
type question struct {
	Question string   `json:"question"`
	Choices  []string `json:"choices"`
	Answer   int      `json:"answer"`
}

func writeData(world []fact, rng *rand.Rand) error {
	files := map[string][]any{}
	for _, f := range world {
		name := "hard"
		if f.easy() {
			name = "easy"
		}
		for phrasing := range f.attribute.questions {
			to := name + ".jsonl"
			if phrasing >= heldoutPhrasing {
				to = name + "-heldout.jsonl"
			}
			files[to] = append(files[to], pair{
				Prompt:   []turn{{"user", f.question(phrasing)}},
				Chosen:   []turn{{"assistant", f.answer(f.truth)}},
				Rejected: []turn{{"assistant", f.answer(f.wrong)}},
			})
		}
		files["bench/zoo_test.jsonl"] = append(files["bench/zoo_test.jsonl"], choose(f, rng))
	}
	for name, rows := range files {
		if err := writeJSONL(filepath.Join(root, "data", name), rows); err != nil {
			return err
		}
	}
	return nil
}

// choose makes a question of four choices out of a fact, in a phrasing that no
// training pair has.
func choose(f fact, rng *rand.Rand) question {
	values := []int{f.truth, f.wrong}
	for _, v := range rng.Perm(len(f.attribute.values)) {
		if len(values) < 4 && v != f.truth && v != f.wrong {
			values = append(values, v)
		}
	}
	rng.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	q := question{Question: f.question(heldoutPhrasing + rng.IntN(2))}
	for i, v := range values {
		q.Choices = append(q.Choices, f.answer(v))
		if v == f.truth {
			q.Answer = i
		}
	}
	return q
}

func writeJSONL(path string, rows []any) error {
	var b strings.Builder
	for _, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			return err
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return write(path, []byte(b.String()))
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes\n", path, len(data))
	return nil
}

const chatTemplate = `{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
`

// writeModelFiles writes all of the model's folder but the weights.
func writeModelFiles(vocabulary []string, pairs [][2]string) error {
	tokenizer, err := tokenizerJSON(vocabulary, pairs)
	if err != nil {
		return err
	}
	size := len(vocabulary) + 2
	bos, eos := len(vocabulary), len(vocabulary)+1
	config := map[string]any{
		"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama",
		"hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 2,
		"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
		"vocab_size": size, "max_position_embeddings": 256, "hidden_act": "silu",
		"rms_norm_eps": 1e-5, "rope_theta": 10000.0,
		"rope_parameters":   map[string]any{"rope_type": "default", "rope_theta": 10000.0},
		"attention_bias":    false,
		"mlp_bias":          false,
		"attention_dropout": 0.0, "tie_word_embeddings": true, "initializer_range": 0.02,
		"bos_token_id": bos, "eos_token_id": eos, "pad_token_id": eos,
		"torch_dtype": "bfloat16", "dtype": "bfloat16",
	}
	tokenizerConfig := map[string]any{
		"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 256,
		"bos_token": imStart, "eos_token": imEnd, "pad_token": imEnd,
		"clean_up_tokenization_spaces": false,
	}
	for name, v := range map[string]any{"config.json": config, "tokenizer_config.json": tokenizerConfig} {
		raw, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		if err := write(filepath.Join(root, "model", name), append(raw, '\n')); err != nil {
			return err
		}
	}
	if err := write(filepath.Join(root, "model", "chat_template.jinja"), []byte(chatTemplate)); err != nil {
		return err
	}
	return write(filepath.Join(root, "model", "tokenizer.json"), append(tokenizer, '\n'))
}
