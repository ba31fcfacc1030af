package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/config"
)

// plan validates everything and shows what a run would do.
func (a *app) plan(ctx context.Context, c *config.Config) (err error) {
	b, err := a.build(ctx, c, present())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	b.printReports(a.err)
	info, err := b.Describe(b.Base, "S")
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "model %s: %.1fM parameters, sha256 %.12s\n", info.Path, float64(info.Parameters)/1e6, info.WeightsHash)
	for _, p := range b.used {
		fmt.Fprintf(a.out, "%s %s: %s, sha256 %.12s\n", p.Kind, p.Name, p.Version, p.SHA256)
	}
	if err := a.printSources(b.Sources); err != nil {
		return err
	}
	if err := b.printOverlaps(ctx, a.out); err != nil {
		return err
	}
	return a.printForecast(ctx, b)
}

// printSources shows what the partitioner is given.
func (a *app) printSources(sources []core.Source) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "source\tpairs\ttokens of prompts\tof chosen\tof rejected\t")
	for _, s := range sources {
		var prompts, chosen, rejected int
		for _, p := range s.Pairs {
			prompts += len(p.PromptIDs)
			chosen += len(p.ChosenIDs)
			rejected += len(p.RejectedIDs)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", s.Name, len(s.Pairs), prompts, chosen, rejected)
	}
	return w.Flush()
}

func (a *app) printForecast(ctx context.Context, b *built) error {
	e, err := b.Estimate(ctx)
	if errors.Is(err, core.ErrUnsupported) {
		_, err = fmt.Fprintf(a.out, "forecast: backend %s gives none\n", b.Config.Backend.Name)
		return err
	}
	if err != nil {
		return err
	}
	const gib = 1 << 30
	fmt.Fprintf(a.out, "training: %d tokens in all (prompt + chosen and prompt + rejected), in micro-batches of at most %d\n", e.Tokens, e.MicroBatchTokens)
	fmt.Fprintf(a.out, "memory: %.2f GiB of the backend's process at its peak", float64(e.PeakBytes)/gib)
	if e.AvailableBytes > 0 {
		fmt.Fprintf(a.out, ", %.2f GiB available", float64(e.AvailableBytes)/gib)
	}
	fmt.Fprintln(a.out)
	if e.TokensPerSecond > 0 {
		left := time.Duration(float64(e.Tokens) / e.TokensPerSecond * float64(time.Second))
		fmt.Fprintf(a.out, "time: about %s of training at %.0f tokens/s, beside scoring and evaluation\n", left.Round(time.Second), e.TokensPerSecond)
	}
	return nil
}
