package stepwise

import (
	"context"
	"fmt"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// partition asks the partitioner for the steps and holds it to its contract.
func (l *loop) partition(ctx context.Context) error {
	base, err := l.open(ctx, l.Base, record.ModelName(0))
	if err != nil {
		return err
	}
	steps, err := l.Partitioner.Partition(ctx, l.Sources, base)
	if err != nil {
		return fmt.Errorf("partition %q: %w", l.Config.Partition.Strategy, err)
	}
	if err := core.CheckSteps(l.Sources, steps); err != nil {
		return fmt.Errorf("partition %q: %w", l.Config.Partition.Strategy, err)
	}
	l.steps = steps
	return nil
}

// plan describes the steps with whatever scores of the base model are known.
func (l *loop) plan() record.Plan {
	p := record.Plan{Strategy: l.Config.Partition.Strategy}
	for t, step := range l.steps {
		s := record.PlanStep{Step: t + 1, Pairs: len(step.Pairs)}
		for _, index := range sourcesOf(step) {
			s.Sources = append(s.Sources, l.planSource(step, index))
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

func (l *loop) planSource(step core.Step, index int) record.PlanSource {
	source := l.Sources[index]
	out := record.PlanSource{Name: source.Name}
	var scored []record.PairScore
	for _, ref := range step.Pairs {
		if ref.Source != index {
			continue
		}
		out.Pairs++
		if s, ok := l.cache.Known(l.infos[l.Base], source.Pairs[ref.Pair].Item()); ok {
			scored = append(scored, record.PairScoreOf(s))
		}
	}
	if len(scored) == out.Pairs {
		g := record.GammaOf(scored)
		out.RewardAccuracy, out.GammaMean = &g.RewardAccuracy, &g.Mean
	}
	return out
}

// sourcesOf returns the indices of the sources in the step, in order of first
// appearance.
func sourcesOf(step core.Step) []int {
	var indices []int
	for _, ref := range step.Pairs {
		if !slices.Contains(indices, ref.Source) {
			indices = append(indices, ref.Source)
		}
	}
	return indices
}

func (l *loop) writePlan() error {
	if err := l.Folder.WriteJSON("plan.json", l.plan()); err != nil {
		return err
	}
	rows := make([]record.StepPairs, len(l.steps))
	for t, step := range l.steps {
		rows[t].Step = t + 1
		for _, ref := range step.Pairs {
			rows[t].Pairs = append(rows[t].Pairs, [2]int{ref.Source, ref.Pair})
		}
	}
	return record.WriteJSONL(l.Folder, "partition.jsonl", rows)
}

// readPartition returns the steps of a run that was started before.
func (l *loop) readPartition() ([]core.Step, error) {
	rows, err := record.ReadJSONL[record.StepPairs](l.Folder, "partition.jsonl")
	if err != nil {
		return nil, err
	}
	steps := make([]core.Step, len(rows))
	for t, row := range rows {
		for _, p := range row.Pairs {
			steps[t].Pairs = append(steps[t].Pairs, core.PairRef{Source: p[0], Pair: p[1]})
		}
	}
	if err := core.CheckSteps(l.Sources, steps); err != nil {
		return nil, fmt.Errorf("%q: %w; did the sources change?", l.Folder.Path("partition.jsonl"), err)
	}
	return steps, nil
}

// sourceNames lists the sources of a step.
func (l *loop) sourceNames(step int) []string {
	var names []string
	for _, index := range sourcesOf(l.steps[step-1]) {
		names = append(names, l.Sources[index].Name)
	}
	return names
}
