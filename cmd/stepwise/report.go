package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/record"
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
			if err := checkReport(out, args); err != nil {
				return asUsage(err)
			}
			if err := report.WriteFile(out, args); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "report: %s\n", out)
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "report.html", "file to write")
	return c
}

// checkReport says what is wrong with the names given, all at once.
func checkReport(out string, runs []string) error {
	var faults []error
	for _, dir := range runs {
		_, err := record.Open(dir)
		faults = append(faults, err)
	}
	if _, err := os.Stat(filepath.Dir(out)); err != nil {
		faults = append(faults, fmt.Errorf("--out: %w", err))
	} else if info, err := os.Stat(out); err == nil && info.IsDir() {
		faults = append(faults, fmt.Errorf("--out: %q is a folder; name a file", out))
	}
	return errors.Join(faults...)
}
