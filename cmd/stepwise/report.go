package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/record/report"
)

func (a *app) reportCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:     "report RUN...",
		Short:   "The report page of one run, or of several compared",
		Example: `  stepwise report runs/plain runs/stepwise --out compared.html`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no run; usage: %s", c.UseLine())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := report.WriteFile(out, args); err != nil {
				return asUsage(err)
			}
			_, err := fmt.Fprintf(a.out, "report: %s\n", out)
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "report.html", "file to write")
	return c
}
