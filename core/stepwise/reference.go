package stepwise

import (
	"context"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

// references returns the reference's scores of the step's pairs, in the step's
// order. They are computed once, before the training, and kept in
// step-T/reference.jsonl; those found there are used only if their keys say
// that the same weights, tokens and numerics made them.
func (l *loop) references(ctx context.Context, step int) ([]record.PairScore, error) {
	dir, name := l.referenceModel(step)
	info, err := l.info(dir, name)
	if err != nil {
		return nil, err
	}
	refs := l.steps[step-1].Pairs
	sources := l.referenceSources()
	items := make([]core.Item, len(refs))
	for i, ref := range refs {
		items[i] = sources[ref.Source].Pairs[ref.Pair].Item()
	}
	file := record.StepDir(step) + "/reference.jsonl"
	if err := l.recall(file); err != nil {
		return nil, err
	}
	scores, err := l.scoreOnce(ctx, dir, info, items)
	if err != nil {
		return nil, err
	}
	rows := make([]record.PairScore, len(refs))
	for i, ref := range refs {
		rows[i] = record.PairScoreOf(scores[i])
		rows[i].Source, rows[i].Pair = sources[ref.Source].Name, ref.Pair
		rows[i].Key = scorer.Key(info, items[i])
	}
	return rows, record.WriteJSONL(l.Folder, file, rows)
}

// referenceModel is the model that step compares with.
func (l *loop) referenceModel(step int) (dir, name string) {
	switch l.Config.Train.Reference {
	case "previous":
		return l.modelDir(step - 1), record.ModelName(step - 1)
	case "base":
		return l.Base, record.ModelName(0)
	}
	return l.Reference, "reference"
}

func (l *loop) referenceSources() []core.Source {
	if l.ReferenceSources != nil {
		return l.ReferenceSources
	}
	return l.Sources
}

// scoreOnce scores the items, opening the model only if the cache lacks any.
func (l *loop) scoreOnce(ctx context.Context, dir string, info core.ModelInfo, items []core.Item) ([][]core.Score, error) {
	scores := make([][]core.Score, len(items))
	for i, item := range items {
		known, ok := l.cache.Known(info, item)
		if !ok {
			m, err := l.open(ctx, dir, info.Name)
			if err != nil {
				return nil, err
			}
			return m.LogProbs(ctx, items, core.Detail{})
		}
		scores[i] = known
	}
	return scores, nil
}

// recall adds a file's scores to the cache under the keys that it has.
func (l *loop) recall(file string) error {
	if !l.Folder.Has(file) {
		return nil
	}
	rows, err := record.ReadJSONL[record.PairScore](l.Folder, file)
	if err != nil {
		return err
	}
	for _, r := range rows {
		l.cache.Add(r.Key, []core.Score{
			{LogProb: r.Chosen, Tokens: r.ChosenTokens}, {LogProb: r.Rejected, Tokens: r.RejectedTokens},
		})
	}
	return nil
}
