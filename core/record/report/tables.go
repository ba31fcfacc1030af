package report

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// table is drawn as it stands: heads, then rows.
type table struct {
	Over  []over // a line above the heads, where there is any
	Heads []head
	Rows  []row
}

// over is what several columns have in common.
type over struct {
	Text string
	Span int
}

type head struct {
	Text  string
	Tip   string // what the column means
	Words bool   // a column of words, not of numbers
}

type row struct {
	Class string // "group" begins a group, "part" belongs to the row above
	Cells []cell
}

type cell struct {
	Text  string
	Small string // beside the text, in grey
	Class string
}

// withoutEmpty drops the columns in which no row says anything.
func (t table) withoutEmpty() table {
	for i := len(t.Heads) - 1; i >= 0; i-- {
		if slices.ContainsFunc(t.Rows, func(r row) bool { return r.Cells[i].Text != "" }) {
			continue
		}
		t.Heads = slices.Delete(t.Heads, i, i+1)
		for j := range t.Rows {
			t.Rows[j].Cells = slices.Delete(t.Rows[j].Cells, i, i+1)
		}
	}
	return t
}

func numbers(texts ...string) []cell {
	cells := make([]cell, len(texts))
	for i, t := range texts {
		cells[i].Text = t
	}
	return cells
}

// heldoutTable shows every model on every held-out source; it is empty where
// nothing was held out.
func heldoutTable(r *run) table {
	t := table{Heads: []head{
		{"held-out pairs", "", true},
		{"model", "S is the base, M1, M2 ... the result of each step", true},
		{"loss", "the run's loss with S as the reference", false},
		{"reward accuracy", "share of pairs whose chosen reward exceeds the rejected one, S being the reference", false},
		{"margin", "mean reward of chosen less that of rejected", false},
		{"reward chosen", "mean beta (logp - logp of S) of the chosen completions", false},
		{"rejected", "the same of the rejected completions", false},
		{"mean\u00a0γ", "logp(chosen) - logp(rejected) in nats, mean over pairs", false},
		{"change from S", "mean over pairs of the change of γ, ± its standard error, paired", false},
		{"γ a token", "mean of logp(chosen)/tokens - logp(rejected)/tokens", false},
		{"γ, like lengths", "mean γ over the pairs whose lengths differ by at most 10 %", false},
		{"γ\u00a0>\u00a00", "share of pairs that the model itself ranks right", false},
	}}
	for _, source := range heldoutNames(r.summary) {
		class := "group"
		for _, m := range r.summary.Models {
			h, ok := m.Heldout[source]
			if !ok {
				continue
			}
			t.Rows = append(t.Rows, row{class, heldoutCells(r, source, m, h, class == "group")})
			class = ""
		}
	}
	return t.withoutEmpty()
}

func heldoutCells(r *run, source string, m record.ModelSummary, h record.Heldout, first bool) []cell {
	g := m.Gamma[source]
	name := cell{}
	if first {
		name = cell{Text: source, Small: plural(g.Pairs, "pair")}
	}
	cells := []cell{name, {Text: m.Name, Class: "name"}}
	cells = append(cells, numbers(
		fixed(h.Loss, 4), fixed(h.Accuracy, 3), signed(h.Margin, 4), signed(h.RewardsChosen, 4), signed(h.RewardsRejected, 4), signed(g.Mean, 3))...)
	moved := cell{}
	if s, ok := r.shifts[[2]string{m.Name, source}]; ok {
		moved = cell{Text: signed(s.mean, 3), Small: "± " + fixed(s.stderr, 3)}
	}
	cells = append(cells, moved)
	cells = append(cells, numbers(signed(g.PerToken, 4), signed(float64(g.LengthMatched), 3), fixed(g.RewardAccuracy, 3))...)
	if m.Name == "S" { // its own reference: these say nothing of S
		for i := 2; i < 7; i++ {
			cells[i].Class = "idle"
		}
	}
	return cells
}

// heldoutNames lists the held-out sources of any model, sorted.
func heldoutNames(s record.Summary) []string {
	names := map[string]bool{}
	for _, m := range s.Models {
		for name := range m.Heldout {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// evalTable shows every model's benchmarks.
func evalTable(r *run) table {
	columns := evalNames(r.summary)
	t := table{Heads: []head{{"model", "", true}}}
	for _, c := range columns {
		t.Heads = append(t.Heads, head{Text: c[0] + " " + c[1]}, head{Text: "change from S"})
	}
	var base record.ModelSummary
	for _, m := range r.summary.Models {
		if m.Name == "S" {
			base = m
		}
		cells := []cell{{Text: m.Name, Class: "name"}}
		for _, c := range columns {
			cells = append(cells, evalCells(m, base, c)...)
		}
		t.Rows = append(t.Rows, row{Cells: cells})
	}
	if len(columns) == 0 {
		return table{}
	}
	return t
}

// evalCells are the value and its difference from S's.
func evalCells(m, base record.ModelSummary, c [2]string) []cell {
	v, ok := m.Eval[c[0]][c[1]]
	if !ok {
		return []cell{{Text: "–", Class: "idle"}, {}}
	}
	out := []cell{{Text: fixed(float64(v), 4)}, {}}
	if se, ok := m.EvalStdErr[c[0]][c[1]]; ok {
		out[0].Small = "± " + fixed(float64(se), 4)
	}
	if b, ok := base.Eval[c[0]][c[1]]; ok && m.Name != base.Name {
		out[1].Text = signed(float64(v-b), 4)
	}
	return out
}

// evalNames lists the tasks with their metrics of any model, sorted.
func evalNames(s record.Summary) [][2]string {
	names := map[[2]string]bool{}
	for _, m := range s.Models {
		for task, values := range m.Eval {
			for metric := range values {
				names[[2]string{task, metric}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(names), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
}

// partitionTable shows the steps: their data as S and as their reference score
// them, and what the training came to.
func partitionTable(r *run) table {
	t := table{Heads: []head{
		{"step", "", true},
		{"sources", "", true},
		{"pairs", "", false},
		{"S: γ\u00a0>\u00a00", "reward accuracy of the base on the step's pairs: what easy-to-hard sorts by", false},
		{"S: mean\u00a0γ", "nats", false},
		{"reference", "the model whose log-probabilities the step's loss refers to", true},
		{"γ_ref", "mean γ of the reference on the step's pairs, in nats", false},
		{"a token", "the same, each completion divided by its tokens", false},
		{"γ_ref\u00a0>\u00a00", "reward accuracy of the reference", false},
		{"updates", "", false},
		{"loss, first → last", "of the step's first and last update", false},
		{"time", "", false},
	}}
	for _, p := range r.plan.Steps {
		t.Rows = append(t.Rows, stepRow(r, p))
		if len(p.Sources) < 2 {
			continue
		}
		for _, s := range p.Sources {
			t.Rows = append(t.Rows, row{"part", partCells(r, p.Step, s)})
		}
	}
	return t.withoutEmpty()
}

func stepRow(r *run, p record.PlanStep) row {
	sources := plural(len(p.Sources), "source")
	base := numbers("", "")
	if len(p.Sources) == 1 {
		sources = p.Sources[0].Name
		base = baseCells(p.Sources[0])
	}
	cells := append([]cell{{Text: fmt.Sprint(p.Step), Class: "name"}, {Text: sources}, {Text: thousands(p.Pairs)}}, base...)
	cells = append(cells, cell{Text: referenceName(r, p.Step)})
	if p.Step > len(r.steps) {
		return row{"group", append(cells, numbers("–", "–", "–", "–", "not done", "–")...)}
	}
	s := r.steps[p.Step-1]
	return row{"group", append(cells, numbers(
		signed(s.Gamma.Mean, 3), signed(s.Gamma.PerToken, 4), fixed(s.RewardAccuracy, 3), thousands(s.Updates),
		fixed(s.Loss.First, 4)+" → "+fixed(s.Loss.Last, 4), duration(s.Seconds))...)}
}

func baseCells(s record.PlanSource) []cell {
	accuracy, gamma := "", ""
	if s.RewardAccuracy != nil {
		accuracy = fixed(*s.RewardAccuracy, 3)
	}
	if s.GammaMean != nil {
		gamma = signed(*s.GammaMean, 3)
	}
	return numbers(accuracy, gamma)
}

func partCells(r *run, step int, s record.PlanSource) []cell {
	cells := append([]cell{{}, {Text: s.Name}, {Text: thousands(s.Pairs)}}, baseCells(s)...)
	g, ok := referenceGamma(r, step, s.Name)
	if !ok {
		return append(cells, numbers("", "", "", "", "", "", "")...)
	}
	return append(cells, numbers("", signed(g.Mean, 3), signed(g.PerToken, 4), fixed(g.RewardAccuracy, 3), "", "", "")...)
}

// referenceGamma is the gamma of the step's reference on a source's share of
// the step, which summary.json keeps with the model.
func referenceGamma(r *run, step int, source string) (record.Gamma, bool) {
	if !r.settings.is("train.reference", "previous") {
		return record.Gamma{}, false
	}
	m, _ := r.summary.Find(record.ModelName(step - 1))
	g, ok := m.Gamma[source]
	return g, ok
}

// referenceName is what the step's loss refers to.
func referenceName(r *run, step int) string {
	switch name := r.settings["train.reference"]; name {
	case "previous":
		return record.ModelName(step - 1)
	case "base":
		return "S"
	default:
		return name
	}
}

// number is v or, where there is none, NaN.
func number(v float64, ok bool) float64 {
	if !ok {
		return math.NaN()
	}
	return v
}
