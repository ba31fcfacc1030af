package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/schedule"
	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

const (
	epochs       = 40
	batchSize    = 32
	learningRate = 4e-3
)

// pretrain makes the SFT base: a model that has read the corpus, mistakes
// included.
func pretrain(ctx context.Context, world []fact, vocabulary int, rng *rand.Rand) error {
	dir := filepath.Join(root, "model")
	if err := initialise(ctx, dir, rng); err != nil {
		return err
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		return err
	}
	model, err := gorgonia.New().Open(ctx, dir, core.OpenOptions{DType: "float32", Train: true})
	if err != nil {
		return err
	}
	defer model.Close()
	perEpoch := (len(corpus(world, rand.New(rand.NewPCG(seed, 1)))) + batchSize - 1) / batchSize
	rates, err := schedule.New("cosine", learningRate, epochs*perEpoch, 0.05)
	if err != nil {
		return err
	}
	optimizer, err := schedule.OptimizerByName("adamw")
	if err != nil {
		return err
	}
	optimizer.WeightDecay = 0.01
	done := 0
	for epoch := range epochs {
		var nll, tokens float64
		text := corpus(world, rng)
		for from := 0; from < len(text); from += batchSize {
			items := encode(tok, text[from:min(from+batchSize, len(text))])
			err := model.Accumulate(ctx, items, func(scores [][]core.Score) ([][]float64, error) {
				var n int
				for _, s := range scores {
					n += s[0].Tokens
					nll -= s[0].LogProb
				}
				tokens += float64(n)
				w := make([][]float64, len(scores))
				for i := range w {
					w[i] = []float64{-1 / float64(n)}
				}
				return w, nil
			})
			if err != nil {
				return err
			}
			if _, err := model.Update(ctx, core.Update{LearningRate: rates.LearningRate(done), MaxGradNorm: 1, Optimizer: optimizer}); err != nil {
				return err
			}
			done++
		}
		fmt.Printf("epoch %d of %d: loss %.4f a token\n", epoch+1, epochs, nll/tokens)
	}
	return save(ctx, model, dir)
}

func save(ctx context.Context, model core.Model, dir string) error {
	if err := model.Save(ctx, dir, core.SaveOptions{DType: "bf16"}); err != nil {
		return err
	}
	// CarryOver writes config.json as every saved model has it.
	tmp, err := os.MkdirTemp("", "generate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := checkpoint.CarryOver(dir, tmp, "bfloat16"); err != nil {
		return err
	}
	config, err := os.ReadFile(filepath.Join(tmp, "config.json"))
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, "config.json"), config)
}

// encode renders dialogues as the chat template does.
func encode(tok *tokenizer.Tokenizer, text []dialogue) []core.Item {
	items := make([]core.Item, len(text))
	for i, d := range text {
		prompt := imStart + "user\n" + d.question + imEnd + "\n" + imStart + "assistant\n"
		items[i] = core.Item{
			Prompt:      tok.Encode(prompt, false),
			Completions: [][]int32{tok.Encode(d.answer+imEnd+"\n", false)},
		}
	}
	return items
}

// initialise writes weights drawn as transformers draws them: normal with
// standard deviation 0.02, norms 1. The width is small, so the draw is scaled
// up to keep activations alive.
func initialise(ctx context.Context, dir string, rng *rand.Rand) error {
	arch, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		return err
	}
	params, deviation := arch.Params(), 1/math.Sqrt(float64(arch.Hidden))
	return checkpoint.Write(ctx, dir, "float32", params, func(i int) ([]float32, error) {
		values := make([]float32, params[i].Size())
		for k := range values {
			values[k] = float32(rng.NormFloat64() * deviation)
			if params[i].Role == checkpoint.RoleNorm {
				values[k] = 1
			}
		}
		return values, nil
	})
}
