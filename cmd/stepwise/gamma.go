package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// gammaFlags are the flags of `stepwise gamma`.
type gammaFlags struct {
	models, sources []string
	limit           int
	profile         profileFlags
	backend         backendFlags
	json            bool
}

func (a *app) gammaCommand() *cobra.Command {
	var f gammaFlags
	c := &cobra.Command{
		Use:   "gamma --model M [--model M2]... --source FILE...",
		Short: "How well models tell chosen from rejected",
		Long: `The mean of gamma = logp(chosen) - logp(rejected) and the reward accuracy, the
share of pairs with gamma > 0, of each model on each source (the paper's Figure
2). gamma is a sum of nats and driven by length, so it is also shown per token
and over pairs of about equal length.`,
		Example: `  stepwise gamma --model models/smollm2 --model runs/smollm2/step-1/model --source uf.jsonl --limit 100`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, done := a.reporting(c.Context())
			defer done()
			rows, err := a.gamma(ctx, f)
			if err != nil {
				return err
			}
			return a.printGamma(rows, f.json)
		},
	}
	c.Flags().StringArrayVar(&f.models, "model", nil, "folder, .gguf or ORG/NAME (repeatable)")
	c.Flags().StringArrayVar(&f.sources, "source", nil, "file of preference pairs (repeatable)")
	c.Flags().IntVar(&f.limit, "limit", 0, "first N pairs of each source (0 = all)")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.MarkFlagRequired("model")
	c.MarkFlagRequired("source")
	f.profile.register(c)
	f.backend.register(c)
	return c
}

// gammaRow is one model on one source.
type gammaRow struct {
	Model  string `json:"model"`
	Source string `json:"source"`
	record.Gamma
	// Seen says that the model seems to have been trained on the source.
	Seen bool `json:"seems_seen"`
}

func (a *app) gamma(ctx context.Context, f gammaFlags) ([]gammaRow, error) {
	var rows []gammaRow
	for _, name := range f.models {
		more, err := a.gammaOfModel(ctx, name, f)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func (a *app) gammaOfModel(ctx context.Context, name string, f gammaFlags) (rows []gammaRow, err error) {
	s, err := a.openScorer(ctx, name, f.backend)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	encoder, err := newEncoder(s.codec, f.profile.profile())
	if err != nil {
		return nil, asUsage(err)
	}
	for _, path := range f.sources {
		source, _, _, err := preference.Load(ctx, preference.Spec{Name: sourceName(path), Path: path, Limit: f.limit}, encoder, 0)
		if err != nil {
			return nil, asUsage(err)
		}
		s.Naming([]core.Source{source})
		scores, err := s.LogProbs(ctx, source.Items(), core.Detail{})
		if err != nil {
			return nil, err
		}
		pairs := make([]record.PairScore, len(scores))
		for i, sc := range scores {
			pairs[i] = record.PairScoreOf(sc)
		}
		g := record.GammaOf(pairs)
		rows = append(rows, gammaRow{Model: name, Source: source.Name, Gamma: g, Seen: record.SeemsSeen(g.PerToken, g.RewardAccuracy)})
	}
	return rows, nil
}

func (a *app) printGamma(rows []gammaRow, asJSON bool) error {
	if asJSON {
		return printJSON(a.out, rows)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "model\tsource\tpairs\tmean gamma\ta token\tlength-matched\treward accuracy\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.2f\t%.4f\t%s\t%.4f\t\n", r.Model, r.Source, r.Pairs, r.Mean, r.PerToken, fixed(&r.LengthMatched, 2), r.RewardAccuracy)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.Seen {
			fmt.Fprintf(a.err, "warning: %s seems to have been trained on %s; as a reference it would hold back what that source can teach\n", r.Model, r.Source)
		}
	}
	return nil
}
