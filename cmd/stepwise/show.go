package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

// profileFlags choose how text becomes tokens.
type profileFlags struct {
	name, mode      string
	length, prompts int
}

func (p *profileFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&p.name, "tokenization", preference.TRL1, "profile: trl-0.7.4, trl-0.28 or trl-1")
	c.Flags().IntVar(&p.length, "max-length", 1024, "tokens of prompt + completion")
	c.Flags().IntVar(&p.prompts, "max-prompt-length", 0, "tokens of the prompt, where the profile has it")
	c.Flags().StringVar(&p.mode, "truncation-mode", "", "keep_start or keep_end, where the profile has it")
}

func (p *profileFlags) profile() preference.Profile {
	return preference.Profile{Name: p.name, MaxLength: p.length, MaxPromptLength: p.prompts, TruncationMode: p.mode}
}

func (a *app) showCommand() *cobra.Command {
	var model, format string
	var n int
	var profile profileFlags
	c := &cobra.Command{
		Use:   "show --model M FILE",
		Short: "Preference pairs as the model will see them",
		Long: `Prints prompt, chosen and rejected with special tokens and white space made
visible, what is truncated or refused, and how long the source's pairs are.`,
		Example: `  stepwise show --model models/smollm2 data/uf.jsonl -n 3`,
		Args:    exactArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, done := a.reporting(c.Context())
			defer done()
			dir, err := resolve(ctx, model)
			if err != nil {
				return asUsage(err)
			}
			codec, err := scorer.LoadCodec(dir)
			if err != nil {
				return asUsage(err)
			}
			encoder, err := newEncoder(codec, profile.profile())
			if err != nil {
				return asUsage(err)
			}
			s := preference.Spec{Name: sourceName(args[0]), Path: args[0], Format: format}
			if err := preference.ShowFile(ctx, a.out, s, encoder, n, isTerminal(a.out)); err != nil {
				return asUsage(err)
			}
			_, _, report, err := preference.Load(ctx, s, encoder, 0)
			if err != nil {
				return asUsage(err)
			}
			_, err = fmt.Fprint(a.out, report)
			return err
		},
	}
	c.Flags().StringVar(&model, "model", "", "whose tokenizer and template: folder, .gguf or ORG/NAME")
	c.Flags().StringVar(&format, "format", "", "format of the rows (recognised by default)")
	c.Flags().IntVarP(&n, "pairs", "n", 3, "pairs to show")
	c.MarkFlagRequired("model")
	profile.register(c)
	return c
}
