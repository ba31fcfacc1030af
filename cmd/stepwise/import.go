package main

import (
	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

func (a *app) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FROM DIR",
		Short: "Make a Hugging Face folder with safetensors",
		Long: `FROM is a .gguf file, a Hugging Face folder or ORG/NAME on the hub (cached).
DIR, which must not exist, becomes a folder that stepwise and transformers load:
weights, config.json, tokenizer and chat template.`,
		Example: `  stepwise import SmolLM2-135M-Instruct.Q4_1.gguf models/smollm2
  stepwise import HuggingFaceTB/SmolLM2-135M-Instruct models/smollm2`,
		Args: exactArgs("FROM", "DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, done := a.reporting(c.Context())
			defer done()
			return markInput(checkpoint.Import(ctx, args[0], args[1], downloads(ctx)))
		},
	}
}
