package stepwise

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/loss"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

// measure scores the held-out pairs with M_t, runs the evaluators that are due
// and adds the model to the summary, unless an earlier run did.
func (l *loop) measure(ctx context.Context, t int) error {
	name := record.ModelName(t)
	if _, done := l.summary.Find(name); done {
		return nil
	}
	m := record.ModelSummary{
		Name: name, Gamma: map[string]record.Gamma{},
		Heldout: map[string]record.Heldout{}, Eval: map[string]map[string]record.Number{},
		EvalStdErr: map[string]map[string]record.Number{},
	}
	for _, source := range l.Heldout {
		if err := l.measureHeldout(ctx, t, source, &m); err != nil {
			return fmt.Errorf("held-out source %q: %w", source.Name, err)
		}
	}
	if err := l.evaluate(ctx, t, &m); err != nil {
		return err
	}
	l.summary.Set(m)
	return l.Folder.WriteJSON("summary.json", l.summary)
}

// measureHeldout fills in gamma and, with S as the reference, loss and rewards.
func (l *loop) measureHeldout(ctx context.Context, t int, source core.Source, m *record.ModelSummary) error {
	scores, err := l.heldoutScores(ctx, t, source)
	if err != nil {
		return err
	}
	reference, err := l.heldoutScores(ctx, 0, source)
	if err != nil {
		return err
	}
	m.Gamma[source.Name] = record.GammaOf(scores)
	fn, err := l.Config.Train.Loss()
	if err != nil {
		return err
	}
	h := heldoutOf(fn, scores, reference)
	m.Heldout[source.Name] = h
	core.ReporterFrom(ctx).Note(fmt.Sprintf("%s on %s: loss %.4f, reward accuracy %.4f against S; gamma > 0 in %.4f",
		m.Name, source.Name, h.Loss, h.Accuracy, m.Gamma[source.Name].RewardAccuracy))
	return nil
}

// heldoutScores returns M_t's scores of the source, from the file of an earlier
// measurement where there is one.
func (l *loop) heldoutScores(ctx context.Context, t int, source core.Source) ([]record.PairScore, error) {
	dir, name := l.modelDir(t), record.ModelName(t)
	info, err := l.info(dir, name)
	if err != nil {
		return nil, err
	}
	file := fmt.Sprintf("eval/%s/heldout-%s.jsonl", name, source.Name)
	if err := l.recall(file); err != nil {
		return nil, err
	}
	items := source.Items()
	scores, err := l.scoreOnce(ctx, dir, info, items)
	if err != nil {
		return nil, err
	}
	rows := make([]record.PairScore, len(items))
	for i, s := range scores {
		rows[i] = record.PairScoreOf(s)
		rows[i].Source, rows[i].Pair, rows[i].Key = source.Name, i, scorer.Key(info, items[i])
	}
	if l.Folder.Has(file) {
		return rows, nil
	}
	return rows, record.WriteJSONL(l.Folder, file, rows)
}

// evaluate runs the evaluators that are due at M_t.
func (l *loop) evaluate(ctx context.Context, t int, m *record.ModelSummary) error {
	for i, e := range l.Evaluators {
		settings := l.Config.Evals[i]
		if settings.When == "start" && t > 0 || settings.When == "end" && t != len(l.steps) {
			continue
		}
		dir := l.Folder.Path("eval", m.Name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		s, err := l.open(ctx, l.modelDir(t), m.Name)
		if err != nil {
			return err
		}
		metrics, err := e.Evaluate(ctx, s, dir)
		if err != nil {
			return fmt.Errorf("evaluator %q: %w", settings.Evaluator, err)
		}
		for _, metric := range metrics {
			if err := checkMetric(metric); err != nil {
				return fmt.Errorf("evaluator %q: %w", settings.Evaluator, err)
			}
			if m.Eval[metric.Task] == nil {
				m.Eval[metric.Task] = map[string]record.Number{}
			}
			if _, twice := m.Eval[metric.Task][metric.Name]; twice {
				return fmt.Errorf("evaluator %q: %s of task %q is measured by an earlier [[eval]] too; its results would be overwritten", settings.Evaluator, metric.Name, metric.Task)
			}
			m.Eval[metric.Task][metric.Name] = record.Number(metric.Value)
			if math.IsNaN(metric.StdErr) {
				continue
			}
			if m.EvalStdErr[metric.Task] == nil {
				m.EvalStdErr[metric.Task] = map[string]record.Number{}
			}
			m.EvalStdErr[metric.Task][metric.Name] = record.Number(metric.StdErr)
		}
	}
	return nil
}

// checkMetric refuses numbers that summary.json cannot hold; a standard error
// may be missing.
func checkMetric(m core.Metric) error {
	switch {
	case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
		return fmt.Errorf("%s of task %q is %v; an evaluator must give a finite number", m.Name, m.Task, m.Value)
	case math.IsInf(m.StdErr, 0):
		return fmt.Errorf("%s of task %q has the standard error %v; an evaluator must give a finite one, or NaN where there is none", m.Name, m.Task, m.StdErr)
	}
	return nil
}

// noteGamma adds to the summary what the reference pass has told of M_t on the
// training sources.
func (l *loop) noteGamma(t int, references []record.PairScore) error {
	m, ok := l.summary.Find(record.ModelName(t))
	if !ok || l.Config.Train.Reference != "previous" {
		return nil
	}
	bySource := map[string][]record.PairScore{}
	for _, r := range references {
		bySource[r.Source] = append(bySource[r.Source], r)
	}
	for source, scores := range bySource {
		m.Gamma[source] = record.GammaOf(scores)
	}
	l.summary.Set(m)
	return l.Folder.WriteJSON("summary.json", l.summary)
}

// heldoutOf is the loss of the pairs, all as one batch.
func heldoutOf(fn *loss.Loss, scores, reference []record.PairScore) record.Heldout {
	pairs := make([]loss.Pair, len(scores))
	for i := range scores {
		pairs[i] = lossPair(scores[i], reference[i])
	}
	var b batchStats
	for i, term := range fn.Terms(pairs) {
		b.add(fn, pairs[i], term)
	}
	m := b.means()
	return record.Heldout{
		Loss: m.Loss, Accuracy: m.Accuracies, Margin: m.Margins,
		RewardsChosen: m.RewardsChosen, RewardsRejected: m.RewardsRejected,
	}
}
