package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/record/report"
	"github.com/stepwise-dpo/stepwise/examples/embedded"
)

// The demo's comparison: the same pairs in another order, three seeds each.
var (
	demoStrategies = []struct{ label, strategy string }{
		{"plain DPO", "all"},
		{"stepwise, random", "random"},
		{"stepwise, easy to hard", "easy-to-hard"},
	}
	demoSeeds = []int64{1, 2, 3}
)

func (a *app) demoCommand() *cobra.Command {
	var dir string
	var filesOnly bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "The whole method on an embedded example, in seconds",
		Long: `Aligns a tiny model with two sources of preferences: by plain DPO, stepwise in
random order and stepwise from easy to hard, three seeds each. S and every M_t
are measured on held-out pairs and on a small benchmark. Model, pairs and
benchmark come with the binary; nothing is downloaded.`,
		Example: `  stepwise demo
  stepwise demo --files-only --dir example && stepwise run example/example.toml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if filesOnly {
				return a.writeExample(dir)
			}
			return a.demo(c.Context(), dir)
		},
	}
	c.Flags().StringVar(&dir, "dir", "stepwise-demo", "folder for the example and its runs")
	c.Flags().BoolVar(&filesOnly, "files-only", false, "write the example, run nothing")
	return c
}

func (a *app) writeExample(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "example.toml")); err == nil {
		return usagef("%q holds the example already; choose another --dir", dir)
	}
	if err := embedded.Write(dir); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "wrote %s; run it: stepwise run %s\n", dir, filepath.Join(dir, "example.toml"))
	return err
}

func (a *app) demo(ctx context.Context, dir string) error {
	start := time.Now()
	if err := a.writeExample(dir); err != nil {
		return err
	}
	var runs []string
	results := make([][]demoResult, len(demoStrategies))
	for i, s := range demoStrategies {
		for _, seed := range demoSeeds {
			fmt.Fprintf(a.err, "%s, seed %d\n", s.label, seed)
			run, r, err := a.demoRun(ctx, dir, s.strategy, seed)
			if err != nil {
				return err
			}
			runs = append(runs, run)
			results[i] = append(results[i], r)
		}
	}
	if err := printDemo(a.out, results); err != nil {
		return err
	}
	page := filepath.Join(dir, "report.html")
	if err := report.WriteFile(page, runs); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\nreport: %s (%.0f s)\n", page, time.Since(start).Seconds())
	return err
}

// demoResult is what the table shows of one run, of S and of the last model.
type demoResult struct {
	base, last demoNumbers
	gammaRef   float64 // mean over the steps' references and pairs
	loss       float64 // of the last update
}

// demoNumbers are the measurements of one model.
type demoNumbers struct{ accuracy, benchmark float64 }

// demoRun does one run and reads its results back from the folder.
func (a *app) demoRun(ctx context.Context, dir, strategy string, seed int64) (string, demoResult, error) {
	settings := []string{"partition.strategy=" + strategy, fmt.Sprintf("run.seed=%d", seed)}
	if strategy == "random" {
		settings = append(settings, fmt.Sprintf("partition.options.seed=%d", seed))
	}
	cfg, err := config.Load(filepath.Join(dir, "example.toml"), settings)
	if err != nil {
		return "", demoResult{}, err
	}
	run := filepath.Join(dir, "runs", fmt.Sprintf("%s-%d", strategy, seed))
	folder, err := a.run(ctx, cfg, run, false, io.Discard)
	if err != nil {
		return run, demoResult{}, err
	}
	r, err := readDemoResult(folder)
	return run, r, err
}

func readDemoResult(f *record.Folder) (r demoResult, err error) {
	var s record.Summary
	if err := f.ReadJSON("summary.json", &s); err != nil {
		return r, err
	}
	r.base, r.last = demoNumbersOf(s.Models[0]), demoNumbersOf(s.Models[len(s.Models)-1])
	var pairs int
	for t := 1; f.Has(record.StepDir(t), "step.json"); t++ {
		var step record.StepResult
		if err := f.ReadJSON(record.StepDir(t)+"/step.json", &step); err != nil {
			return r, err
		}
		r.gammaRef += step.Gamma.Mean * float64(step.Pairs)
		pairs += step.Pairs
		r.loss = step.Loss.Last
	}
	r.gammaRef /= float64(pairs)
	return r, nil
}

func demoNumbersOf(m record.ModelSummary) demoNumbers {
	var right, pairs float64
	for name := range m.Heldout { // m.Gamma has training sources too
		g := m.Gamma[name]
		right += g.RewardAccuracy * float64(g.Pairs)
		pairs += float64(g.Pairs)
	}
	return demoNumbers{right / pairs, float64(m.Eval["zoo"]["acc"])}
}

func printDemo(out io.Writer, results [][]demoResult) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nmodel\theld-out pairs with gamma > 0\tbenchmark acc\tmean gamma_ref\tlast loss\t")
	base := results[0][0].base
	fmt.Fprintf(w, "S (base)\t%.3f\t%.3f\t\t\t\n", base.accuracy, base.benchmark)
	for i, rs := range results {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", demoStrategies[i].label,
			spread(rs, 3, func(r demoResult) float64 { return r.last.accuracy }),
			spread(rs, 3, func(r demoResult) float64 { return r.last.benchmark }),
			spread(rs, 2, func(r demoResult) float64 { return r.gammaRef }),
			spread(rs, 3, func(r demoResult) float64 { return r.loss }))
	}
	fmt.Fprintf(w, "\nmean ± standard deviation over %d seeds; gamma = logp(chosen) - logp(rejected)\n", len(demoSeeds))
	return w.Flush()
}

// spread prints mean ± sample standard deviation.
func spread(rs []demoResult, digits int, value func(demoResult) float64) string {
	var sum, squares float64
	n := float64(len(rs))
	for _, r := range rs {
		sum += value(r)
	}
	mean := sum / n
	for _, r := range rs {
		squares += (value(r) - mean) * (value(r) - mean)
	}
	return fmt.Sprintf("%.*f ± %.*f", digits, mean, digits, math.Sqrt(squares/(n-1)))
}
