package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

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
				return err
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
