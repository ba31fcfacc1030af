package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// standing is a group's mean of a measure with its standard error over seeds.
type standing struct {
	label       string
	mean, error float64
}

// comparisonNotes judges the groups' differences by their seeds' spread.
func comparisonNotes(groups []group, measures []measure) []note {
	var notes []note
	for _, m := range measures {
		if !m.judged {
			continue
		}
		if all := standings(groups, m); len(all) > 1 {
			notes = append(notes, judge(all, m))
		}
	}
	if len(notes) == 0 && len(groups) > 1 {
		return []note{{info, "Too few seeds to judge", "With one seed a setting nothing tells its effect from chance. Three seeds or more of each (run.seed) give a spread to judge differences by."}}
	}
	return notes
}

// standings orders the groups of at least two seeds, the best first.
func standings(groups []group, m measure) []standing {
	var all []standing
	for _, g := range groups {
		if values := g.finals(m); len(values) > 1 {
			mean, deviation := meanAndDeviation(values)
			all = append(all, standing{g.label, mean, deviation / math.Sqrt(float64(len(values)))})
		}
	}
	slices.SortStableFunc(all, func(a, b standing) int { return -m.better * cmp.Compare(a.mean, b.mean) })
	return all
}

// judge says who is as good as the best and who is behind: by more than twice
// the standard error of the difference.
func judge(all []standing, m measure) note {
	best := all[0]
	var level, behind []string
	for _, s := range all[1:] {
		gap, noise := math.Abs(best.mean-s.mean), math.Hypot(best.error, s.error)
		text := s.label + " " + fixed(s.mean, m.decimals)
		if gap > 0 {
			text += fmt.Sprintf(" (%s ± %s)", signed(s.mean-best.mean, m.decimals), fixed(noise, m.decimals))
		}
		if gap > 2*noise {
			behind = append(behind, text)
		} else {
			level = append(level, text)
		}
	}
	n := note{good, fmt.Sprintf("%s, %s: %s leads", m.of, m.title, best.label), fmt.Sprintf("%s %s.", best.label, fixed(best.mean, m.decimals))}
	if len(level) > 0 {
		n.Kind, n.Title = info, fmt.Sprintf("%s, %s: no single winner", m.of, m.title)
		n.Text += " Not told apart from it by these seeds: " + strings.Join(level, ", ") + "."
	}
	if len(behind) > 0 {
		n.Text += " Behind by more than twice the standard error: " + strings.Join(behind, ", ") + "."
	}
	return n
}
