package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

func (a *app) importCommand() *cobra.Command {
	var dtype string
	c := &cobra.Command{
		Use:   "import FROM DIR",
		Short: "Make a Hugging Face folder with safetensors",
		Long: `FROM is a .gguf file, a Hugging Face folder or ORG/NAME on the hub (cached).
DIR, which must not exist, becomes a folder that stepwise and transformers load:
weights, config.json, tokenizer and chat template.`,
		Example: `  stepwise import SmolLM2-135M-Instruct.Q4_1.gguf models/smollm2
  stepwise import HuggingFaceTB/SmolLM2-135M-Instruct models/smollm2 --dtype bf16`,
		Args: exactArgs("FROM", "DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, done := a.reporting(c.Context())
			defer done()
			return importModel(ctx, args[0], args[1], dtype)
		},
	}
	c.Flags().StringVar(&dtype, "dtype", "float32", "of the weights of a folder or hub model: float32, bf16 or float16")
	return c
}

func importModel(ctx context.Context, from, dir, dtype string) error {
	if _, err := os.Stat(dir); err == nil {
		return usagef("%q exists; name a folder that does not", dir)
	}
	if strings.EqualFold(filepath.Ext(from), ".gguf") {
		return asUsage(checkpoint.ImportGGUF(from, dir))
	}
	source, err := resolve(ctx, from)
	if err != nil {
		return asUsage(err)
	}
	if err := convert(ctx, source, dir, dtype); err != nil {
		return fmt.Errorf("import %q: %w", from, err)
	}
	return nil
}

// convert writes the model in source to dir in the dtype, a tensor at a time.
func convert(ctx context.Context, source, dir, dtype string) error {
	arch, err := checkpoint.ReadArchitecture(source)
	if err != nil {
		return err
	}
	weights, err := checkpoint.Open(source)
	if err != nil {
		return err
	}
	defer weights.Close()
	if err := weights.Check(arch); err != nil {
		return err
	}
	w, err := checkpoint.NewWriter(dir, dtype, arch.Params(), 0)
	if err != nil {
		return err
	}
	defer w.Abort()
	params := arch.Params()
	for i, p := range params {
		if err := ctx.Err(); err != nil {
			return err
		}
		values := make([]float32, p.Size())
		if err := weights.Float32(p.Name, values); err != nil {
			return err
		}
		if err := w.Write(p.Name, values); err != nil {
			return err
		}
		core.ReporterFrom(ctx).Progress("tensors", i+1, len(params))
	}
	if err := w.Commit(); err != nil {
		return err
	}
	return checkpoint.CarryOver(source, dir, dtype)
}
