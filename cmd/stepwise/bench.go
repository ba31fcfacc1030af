package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/schedule"
)

// shape is a Llama of random weights.
type shape struct{ hidden, layers, heads, kvHeads, ffn, vocabulary int }

var shapes = map[string]shape{
	"1m":           {128, 4, 4, 2, 352, 2048},
	"15m":          {288, 6, 6, 6, 768, 32000},
	"smollm2-135m": {576, 30, 9, 3, 1536, 49152},
	"350m":         {960, 32, 15, 5, 2560, 49152},
	"llama-1b":     {2048, 16, 32, 8, 8192, 128256},
	"llama-7b":     {4096, 32, 32, 32, 11008, 32000},
}

// benchFlags are the flags of `stepwise bench`.
type benchFlags struct {
	shape         string
	pairs, tokens int
	rounds        int
	backend       backendFlags
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench",
		Short: "The DPO step and the scoring pass on random weights: tokens a second, memory",
		Long: `Times a DPO update and a scoring pass on pairs of random tokens: each pair's prompt
is half of --tokens and its completions the other half each, every completion
token scored. Tokens are counted as a program would process them that shares
nothing. Compare only what ran on one machine in one run.`,
		Example: `  stepwise bench --shape smollm2-135m
  stepwise bench --shape llama-1b --backend libtorch --plugins plugins/bin`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, ok := shapes[f.shape]; !ok {
				return usagef("unknown shape %q; there are: %s", f.shape, strings.Join(slices.Sorted(maps.Keys(shapes)), ", "))
			}
			if f.pairs < 1 || f.tokens < 4 || f.rounds < 1 {
				return usagef("--pairs and --rounds must be at least 1, --tokens at least 4")
			}
			return a.bench(c.Context(), f)
		},
	}
	c.Flags().StringVar(&f.shape, "shape", "15m", "of the model: "+strings.Join(slices.Sorted(maps.Keys(shapes)), ", "))
	c.Flags().IntVar(&f.pairs, "pairs", 2, "pairs an update")
	c.Flags().IntVar(&f.tokens, "tokens", 256, "tokens of prompt + one completion")
	c.Flags().IntVar(&f.rounds, "rounds", 3, "timed updates and passes, after one of each")
	f.backend.register(c)
	return c
}

func (a *app) bench(ctx context.Context, f benchFlags) (err error) {
	dir, err := os.MkdirTemp("", "stepwise-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	arch, err := writeRandomModel(dir, shapes[f.shape])
	if err != nil {
		return err
	}
	c, err := f.backend.config()
	if err != nil {
		return err
	}
	o := core.OpenOptions{DType: c.Backend.DType, Train: true, Options: c.Backend.Options}
	backend, err := a.openBackend(ctx, a.manager(c), c.Backend.Name, o)
	if err != nil {
		return err
	}
	model, err := backend.Open(ctx, dir, o)
	if err != nil {
		return errors.Join(err, backend.Close())
	}
	err = a.measure(ctx, f, model, arch)
	return errors.Join(err, model.Close(), backend.Close(), a.printPeak())
}

// measure times updates and passes and prints their rates.
func (a *app) measure(ctx context.Context, f benchFlags, model core.Model, arch *checkpoint.Architecture) error {
	items := randomItems(f, arch.VocabSize)
	update, err := schedule.OptimizerByName("adamw")
	if err != nil {
		return err
	}
	train := func() error {
		err := model.Accumulate(ctx, items, func(s [][]core.Score) ([][]float64, error) {
			w := make([][]float64, len(s))
			for i := range w {
				w[i] = []float64{-0.05, 0.05} // DPO's at the reference, beta 0.1
			}
			return w, nil
		})
		if err == nil {
			_, err = model.Update(ctx, core.Update{LearningRate: 1e-6, Optimizer: update})
		}
		return err
	}
	score := func() error {
		_, err := model.LogProbs(ctx, items, core.Detail{})
		return err
	}
	size := arch.Size()
	fmt.Fprintf(a.out, "%s: %.1fM parameters, %d pairs of 2 x %d tokens\n", f.shape, float64(size)/1e6, f.pairs, f.tokens)
	for _, w := range []struct {
		name  string
		do    func() error
		flops float64 // a parameter and token
	}{{"scoring", score, 2}, {"DPO update", train, 6}} {
		seconds, err := fastest(f.rounds, w.do)
		if err != nil {
			return err
		}
		rate := float64(2*f.pairs*f.tokens) / seconds
		fmt.Fprintf(a.out, "%-10s  %8.1f tokens/s  %6.2f pairs/s  %.0f GFLOP/s\n", w.name, rate, float64(f.pairs)/seconds, rate*w.flops*float64(size)/1e9)
	}
	return nil
}

// fastest returns the least time of the rounds, after one that warms up.
func fastest(rounds int, do func() error) (seconds float64, err error) {
	for i := range rounds + 1 {
		start := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		if s := time.Since(start).Seconds(); i == 1 || i > 1 && s < seconds {
			seconds = s
		}
	}
	return seconds, nil
}

func randomItems(f benchFlags, vocabulary int) []core.Item {
	rng := rand.New(rand.NewPCG(1, 2))
	ids := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = rng.Int32N(int32(vocabulary))
		}
		return out
	}
	items := make([]core.Item, f.pairs)
	for i := range items {
		half := f.tokens / 2
		items[i] = core.Item{Prompt: ids(half), Completions: [][]int32{ids(f.tokens - half), ids(f.tokens - half)}}
	}
	return items
}

// writeRandomModel writes a Llama of the shape with normal weights.
func writeRandomModel(dir string, s shape) (*checkpoint.Architecture, error) {
	raw, err := json.Marshal(map[string]any{
		"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama", "hidden_size": s.hidden,
		"intermediate_size": s.ffn, "num_hidden_layers": s.layers, "num_attention_heads": s.heads,
		"num_key_value_heads": s.kvHeads, "vocab_size": s.vocabulary, "max_position_embeddings": 8192,
		"rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true, "hidden_act": "silu", "torch_dtype": "float32",
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o644); err != nil {
		return nil, err
	}
	arch, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		return nil, err
	}
	w, err := checkpoint.NewWriter(dir, "float32", arch.Params(), 0)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, p := range arch.Params() {
		values := make([]float32, p.Size())
		for i := range values {
			values[i] = float32(rng.NormFloat64() * 0.02)
			if len(p.Shape) == 1 {
				values[i] = 1 // a norm
			}
		}
		if err := w.Write(p.Name, values); err != nil {
			return nil, err
		}
	}
	return arch, w.Commit()
}
