package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// card returns what writes the model card of M_t, with its provenance.
func card(c *config.Config) func(record.StepResult) string {
	return func(r record.StepResult) string {
		var b strings.Builder
		fmt.Fprintf(&b, "---\nlibrary_name: transformers\ntags:\n- dpo\n- stepwise-dpo\n---\n\n")
		fmt.Fprintf(&b, "# %s, step %d\n\n", c.Run.Name, r.Step)
		fmt.Fprintf(&b, "Made by stepwise %s: stepwise DPO (arXiv 2403.19270) from `%s`.\n\n", version, c.Model.Path)
		fmt.Fprintf(&b, "| | |\n|---|---|\n")
		row := func(name string, value any) { fmt.Fprintf(&b, "| %s | %v |\n", name, value) }
		row("sources of this step", strings.Join(r.Sources, ", "))
		row("pairs", r.Pairs)
		row("updates", r.Updates)
		row("partition", c.Partition.Strategy)
		row("reference", c.Train.Reference)
		row("target starts as", c.Train.TargetInit)
		row("loss", lossRow(&c.Train))
		row("learning rate", fmt.Sprintf("%g, %s, warm-up %g", c.Train.LearningRate, c.Train.LRSchedulerType, c.Train.WarmupRatio))
		row("optimizer", c.Train.Optim)
		row("batch", fmt.Sprintf("%d pairs, %g epochs", c.Train.BatchSize, c.Train.NumTrainEpochs))
		row("tokenization", c.Train.Tokenization)
		row("seed", c.Run.Seed)
		row("mean gamma of the reference", fmt.Sprintf("%.4f nats (%.4f a token)", r.Gamma.Mean, r.Gamma.PerToken))
		row("reward accuracy of the reference", fmt.Sprintf("%.4f", r.RewardAccuracy))
		row("loss, first and last update", fmt.Sprintf("%.4f, %.4f", r.Loss.First, r.Loss.Last))
		return b.String()
	}
}

// lossRow names the loss and its options: "sigmoid, beta = 0.1".
func lossRow(t *config.Train) string {
	parts := []string{t.LossType}
	for _, name := range slices.Sorted(maps.Keys(t.LossOptions)) {
		parts = append(parts, fmt.Sprintf("%s = %v", name, t.LossOptions[name]))
	}
	return strings.Join(parts, ", ")
}
