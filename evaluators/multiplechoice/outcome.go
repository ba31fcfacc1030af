package multiplechoice

import (
	"cmp"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// results are what the runs came to.
func (e *Evaluator) results(info core.ModelInfo, runs []*run, rep *report) *results.Run {
	all := &results.Run{
		Settings: e.options.settings(), Model: info, Groups: e.chosen.groups,
		Tokens: rep.tokens, Completions: rep.completions, Truncated: rep.truncated,
	}
	for _, r := range runs {
		all.Tasks = append(all.Tasks, r.task())
	}
	return all
}

func (r *run) task() results.Task {
	t := results.Task{
		Name: r.d.Task, Alias: cmp.Or(r.d.Alias, r.d.Task), Version: r.d.Version, Shots: shots(r.d), Metrics: r.d.Metrics,
		Config: r.d.config(), Documents: r.documents,
	}
	for _, s := range r.samples {
		t.Samples = append(t.Samples, s.result())
	}
	return t
}

// result lists one request for each choice, as lm-eval asks them.
func (s *sample) result() results.Sample {
	out := results.Sample{Doc: s.doc, Target: s.target, Values: s.values}
	for i, t := range s.texts {
		for _, c := range t.Completions {
			n := len(out.Requests)
			out.Requests = append(out.Requests, results.Request{Prompt: s.prompts[i], Completion: c, LogProb: s.lls[n], Greedy: s.greedy[n]})
		}
	}
	return out
}

// metrics lists the results of the tasks and then of the groups.
func metrics(r *results.Run) []core.Metric {
	stats := r.Stats()
	var list []core.Metric
	add := func(name string, metrics []string) {
		for _, m := range metrics {
			if s, ok := stats[name][m]; ok {
				list = append(list, core.Metric{Task: name, Name: m, Value: s.Value, StdErr: s.StdErr, N: s.N, HigherIsBetter: true})
			}
		}
	}
	for _, t := range r.Tasks {
		add(t.Name, t.Metrics)
	}
	for _, g := range r.Groups.BottomUp() {
		add(g.Name, g.Metrics())
	}
	return list
}
