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
	switch {
	case len(keys) == 1 && id[keys[0]] != "" && len(id[keys[0]]) <= 30:
		return id[keys[0]]
	case len(runs) == 1:
		return runs[0].name
	case len(keys) == 2:
		return fmt.Sprintf("%s, %s", orDash(id[keys[0]]), orDash(id[keys[1]]))
	}
	return runs[0].name + " and " + plural(len(runs)-1, "more seed")
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// measure is a number by which final models are compared.
type measure struct {
	title, of string
	decimals  int
	better    int  // +1: higher, -1: lower
	judged    bool // has a note on who leads
	get       func(record.ModelSummary) float64
}

// measuresOf lists what any of the runs measured.
func measuresOf(runs []*run) []measure {
	var all record.Summary
	for _, r := range runs {
		all.Models = append(all.Models, r.summary.Models...)
	}
	var out []measure
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
			heldout("margin", 4, +1, func(h record.Heldout) float64 { return h.Margin }),
			measure{"γ > 0", source, 3, +1, true, func(m record.ModelSummary) float64 {
				g, ok := m.Gamma[source]
				return number(g.RewardAccuracy, ok)
			}})
	}
	for _, name := range evalNames(all) {
		out = append(out, measure{name[1], name[0], 4, +1, true, func(m record.ModelSummary) float64 {
			v, ok := m.Eval[name[0]][name[1]]
			return number(float64(v), ok)
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

// comparisonTable has a row a group, with its runs beneath where there are
// several.
func comparisonTable(groups []group, measures []measure) table {
	t := table{Heads: []head{{"final model of", "", true}, {"steps", "", false}, {"updates", "over all steps", false}}}
	for _, m := range measures {
		t.Heads = append(t.Heads, head{Text: m.of + ": " + m.title})
	}
	t.Rows = append(t.Rows, baseRow(groups[0].runs[0], measures))
	for _, g := range groups {
		first := g.runs[0]
		cells := []cell{{Text: g.label, Small: seeds(g)}, {Text: fmt.Sprint(first.T())}, {Text: thousands(len(first.metrics))}}
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
		if m.title != "γ > 0" && slices.Contains(heldoutNames(r.summary), m.of) {
			c.Class = "idle"
		}
		cells = append(cells, c)
	}
	return row{"", cells}
}

func finalRow(r *run, measures []measure) row {
	m, _ := r.final()
	cells := []cell{{Text: r.name, Small: m.Name}, {Text: fmt.Sprint(r.T())}, {Text: thousands(len(r.metrics))}}
	for _, measure := range measures {
		cells = append(cells, cell{Text: fixed(measure.get(m), measure.decimals)})
	}
	return row{"part", cells}
}

// comparisonNotes judges the best group's lead over the next by the seeds'
// spread.
func comparisonNotes(groups []group, measures []measure) []note {
	var notes []note
	for _, m := range measures {
		if n, ok := lead(groups, m); m.judged && ok {
			notes = append(notes, n)
		}
	}
	if len(notes) == 0 && len(groups) > 1 {
		return []note{{info, "One seed each", "With one seed a setting nothing tells its effect from chance. Three seeds or more of each (run.seed) give a spread to judge differences by."}}
	}
	return notes
}

// lead compares the two best groups of at least two seeds each.
func lead(groups []group, m measure) (note, bool) {
	type standing struct {
		label       string
		mean, error float64
	}
	var all []standing
	for _, g := range groups {
		if values := g.finals(m); len(values) > 1 {
			mean, deviation := meanAndDeviation(values)
			all = append(all, standing{g.label, mean, deviation / math.Sqrt(float64(len(values)))})
		}
	}
	if len(all) < 2 {
		return note{}, false
	}
	slices.SortStableFunc(all, func(a, b standing) int {
		return -m.better * cmp.Compare(a.mean, b.mean)
	})
	gap := math.Abs(all[0].mean - all[1].mean)
	noise := math.Hypot(all[0].error, all[1].error)
	title := fmt.Sprintf("%s, %s: %s", m.of, m.title, all[0].label)
	text := fmt.Sprintf("%s against %s of %s: a lead of %s, standard error %s over the seeds.",
		fixed(all[0].mean, m.decimals), fixed(all[1].mean, m.decimals), all[1].label, fixed(gap, m.decimals), fixed(noise, m.decimals))
	if gap <= 2*noise {
		return note{info, fmt.Sprintf("%s, %s: no winner", m.of, m.title), all[0].label + " " + text + " That is within what seeds do."}, true
	}
	return note{good, title, text + " That is more than twice what seeds do."}, true
}
