package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/record"
)

func (a *app) partitionCommand() *cobra.Command {
	var settings []string
	var asJSON bool
	c := &cobra.Command{
		Use:     "partition CONFIG.toml",
		Short:   "The partition with its scores; trains nothing",
		Example: `  stepwise partition run.toml --set partition.strategy=easy-to-hard`,
		Args:    exactArgs("CONFIG.toml"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			ctx, done := a.reporting(c.Context())
			defer done()
			cfg, err := config.Load(args[0], settings)
			if err != nil {
				return asUsage(err)
			}
			cfg.Evals = nil // not needed for a partition
			b, err := a.build(ctx, cfg, present())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, b.Close()) }()
			plan, err := b.Partition(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.out, plan)
			}
			return printPlan(a.out, plan)
		},
	}
	c.Flags().StringArrayVar(&settings, "set", nil, "KEY=VALUE over the file's (repeatable)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, as in plan.json")
	return c
}

func printPlan(out io.Writer, plan record.Plan) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "step\tsource\tpairs\treward accuracy of S\tmean gamma of S\t")
	for _, step := range plan.Steps {
		for _, s := range step.Sources {
			fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t\n", step.Step, s.Name, s.Pairs, fixed(s.RewardAccuracy, 4), fixed(s.GammaMean, 2))
		}
	}
	return w.Flush()
}
