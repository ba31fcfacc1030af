package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// group is runs that differ only in their seeds.
type group struct {
	label string
	runs  []*run
}

// groupsOf puts runs of the same identity together, in the order of their
// first, and names each group by the settings in which the groups differ.
func groupsOf(runs []*run) (groups []group, keys []string) {
	var identities []settings
	at := map[string]int{}
	for _, r := range runs {
		id := r.identity()
		key := fmt.Sprintf("%q", id) // fmt sorts a map's keys
		i, known := at[key]
		if !known {
			i = len(groups)
			at[key] = i
			groups = append(groups, group{})
			identities = append(identities, id)
		}
		groups[i].runs = append(groups[i].runs, r)
	}
	keys = differing(identities)
	for i := range groups {
		groups[i].label = label(groups[i].runs, identities[i], keys)
	}
	return groups, keys
}

// label says what is special about a group as long as that is short.
func label(runs []*run, id settings, keys []string) string {
	telling := len(keys) > 0 && len(keys) <= 2
	var values []string
	for _, key := range keys {
		telling = telling && !isHash(key) && len(id[key]) <= 30
		values = append(values, cmp.Or(id[key], "–"))
	}
	switch {
	case telling:
		return strings.Join(values, ", ")
	case len(runs) == 1:
		return runs[0].name
	}
	return runs[0].name + " and " + plural(len(runs)-1, "more seed")
}

// measure is a number by which final models are compared.
type measure struct {
	title, of string
	decimals  int
	better    int  // +1: higher, -1: lower
	judged    bool // has a note on who leads
	get       func(record.ModelSummary) float64
}

const gammaRight = "γ\u00a0>\u00a00"

// measuresOf lists what any of the runs measured.
func measuresOf(runs []*run) []measure {
	var all record.Summary
	for _, r := range runs {
		all.Models = append(all.Models, r.summary.Models...)
	}
	var out []measure
	for _, name := range evalNames(all) {
		out = append(out, measure{name[1], name[0], 4, +1, true, func(m record.ModelSummary) float64 {
			v, ok := m.Eval[name[0]][name[1]]
			return number(float64(v), ok)
		}})
	}
	for _, source := range heldoutNames(all) {
		heldout := func(title string, decimals, better int, get func(record.Heldout) float64) measure {
			return measure{title, source, decimals, better, false, func(m record.ModelSummary) float64 {
				h, ok := m.Heldout[source]
				return number(get(h), ok)
			}}
		}
		out = append(out,
			heldout("loss", 4, -1, func(h record.Heldout) float64 { return h.Loss }),
			heldout("reward accuracy", 3, +1, func(h record.Heldout) float64 { return h.Accuracy }),
			measure{gammaRight, source, 3, +1, true, func(m record.ModelSummary) float64 {
				g, ok := m.Gamma[source]
				return number(g.RewardAccuracy, ok)
			}})
	}
	return out
}

// finals are the measure's values of the group's final models.
func (g group) finals(m measure) []float64 {
	var values []float64
	for _, r := range g.runs {
		if model, ok := r.final(); ok {
			if v := m.get(model); !math.IsNaN(v) {
				values = append(values, v)
			}
		}
	}
	return values
}

// references are the mean gammas of the group's references.
func (g group) references() []float64 {
	var values []float64
	for _, r := range g.runs {
		if v := r.gammaRef(); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return values
}

// gammaRef is the mean gamma of the references over the pairs of all steps.
func (r *run) gammaRef() float64 {
	var sum float64
	var pairs int
	for _, s := range r.steps {
		sum += s.Gamma.Mean * float64(s.Pairs)
		pairs += s.Pairs
	}
	return sum / float64(pairs)
}

// comparisonTable has a row a group, with its runs beneath where there are
// several.
func comparisonTable(groups []group, measures []measure) table {
	t := table{
		Over: []over{{"", 3}},
		Heads: []head{{"final model of", "", true}, {"updates", "over all steps", false},
			{"γ_ref", "mean γ of the references over all pairs of all steps, in nats", false}},
	}
	for _, m := range measures {
		t.Heads = append(t.Heads, head{Text: m.title})
		if last := &t.Over[len(t.Over)-1]; last.Text == m.of {
			last.Span++
		} else {
			t.Over = append(t.Over, over{m.of, 1})
		}
	}
	t.Rows = append(t.Rows, baseRow(groups[0].runs[0], measures))
	for _, g := range groups {
		first := g.runs[0]
		cells := []cell{{Text: g.label, Small: seeds(g)}, {Text: thousands(len(first.metrics)), Small: "in " + plural(first.T(), "step")}, spread(g.references(), 2)}
		for _, m := range measures {
			cells = append(cells, spread(g.finals(m), m.decimals))
		}
		t.Rows = append(t.Rows, row{"group", cells})
		if len(g.runs) > 1 {
			for _, r := range g.runs {
				t.Rows = append(t.Rows, finalRow(r, measures))
			}
		}
	}
	return t
}

func seeds(g group) string {
	var all []string
	for _, r := range g.runs {
		all = append(all, r.settings["run.seed"])
	}
	if len(all) == 1 {
		return "seed " + all[0]
	}
	return "seeds " + strings.Join(all, ", ")
}

// spread shows mean ± standard deviation.
func spread(values []float64, decimals int) cell {
	if len(values) == 0 {
		return cell{Text: "–", Class: "idle"}
	}
	mean, deviation := meanAndDeviation(values)
	if len(values) == 1 {
		return cell{Text: fixed(mean, decimals)}
	}
	return cell{Text: fixed(mean, decimals), Small: "± " + fixed(deviation, decimals)}
}

func baseRow(r *run, measures []measure) row {
	base, _ := r.summary.Find("S")
	cells := []cell{{Text: "S, before training", Small: r.name}, {}, {}}
	for _, m := range measures {
		c := cell{Text: fixed(m.get(base), m.decimals)}
		if m.title != gammaRight && slices.Contains(heldoutNames(r.summary), m.of) {
			c.Class = "idle"
		}
		cells = append(cells, c)
	}
	return row{"", cells}
}

func finalRow(r *run, measures []measure) row {
	m, _ := r.final()
	cells := []cell{{Text: r.name, Small: m.Name}, {Text: thousands(len(r.metrics))}, {Text: fixed(r.gammaRef(), 2)}}
	for _, measure := range measures {
		cells = append(cells, cell{Text: fixed(measure.get(m), measure.decimals)})
	}
	return row{"part", cells}
}
