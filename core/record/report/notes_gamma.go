package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// referenceAlignment compares each later step's reference with S on the same
// pairs: what stepwise DPO is for.
func referenceAlignment(r *run) []note {
	var parts []string
	more, less := 0, 0
	for _, s := range r.steps[min(1, len(r.steps)):] {
		base, ok := baseGamma(r, s.Step)
		if !ok || referenceName(r, s.Step) == "S" {
			continue
		}
		parts = append(parts, fmt.Sprintf("step %d: %s by %s, %s by S", s.Step, signed(s.Gamma.Mean, 3), referenceName(r, s.Step), signed(base, 3)))
		if s.Gamma.Mean > base {
			more++
		} else {
			less++
		}
	}
	if len(parts) == 0 {
		return nil
	}
	text := "Mean γ on the same pairs, in nats: " + strings.Join(parts, "; ") + ". "
	switch {
	case less == 0:
		return []note{{good, "The references get more aligned", text + "A more aligned reference is the bound that the next step improves on."}}
	case more == 0:
		return []note{{info, "The references are no more aligned than S", text + "What the earlier steps taught did not carry over to these pairs; compare with plain DPO (strategy \"all\") before trusting the partition."}}
	}
	return []note{{info, "Some references are more aligned than S, some are not", text}}
}

// baseGamma is S's mean gamma over the step's pairs, where the partition asked.
func baseGamma(r *run, step int) (float64, bool) {
	for _, p := range r.plan.Steps {
		if p.Step != step || len(p.Sources) == 0 {
			continue
		}
		var sum float64
		var pairs int
		for _, s := range p.Sources {
			if s.GammaMean == nil {
				return 0, false
			}
			sum += *s.GammaMean * float64(s.Pairs)
			pairs += s.Pairs
		}
		return sum / float64(pairs), pairs > 0
	}
	return 0, false
}

func referenceHasSeen(r *run) []note {
	var notes []note
	for _, s := range r.steps {
		if !record.SeemsSeen(s.Gamma.PerToken, s.RewardAccuracy) {
			continue
		}
		notes = append(notes, note{warn, fmt.Sprintf("Step %d: the reference seems to have seen these pairs", s.Step), fmt.Sprintf(
			"%s ranks %s of them right, by %s nats a token. A reference that was trained on its step's data holds back what they can teach: such a jump is the paper's warning (Figure 2). Compare the sources (`stepwise gamma`), or take the pairs out.",
			referenceName(r, s.Step), percent(s.RewardAccuracy), signed(s.Gamma.PerToken, 3))})
	}
	return notes
}

func percent(share float64) string { return fixed(100*share, 1) + " %" }

// heldoutWorse looks for held-out sources that the last model ranks worse than
// S or than the model before it, by more than twice the standard error.
func heldoutWorse(r *run) []note {
	var notes []note
	last, ok := r.final()
	if !ok {
		return nil
	}
	for _, source := range heldoutNames(r.summary) {
		moved, ok := r.shifts[[2]string{last.Name, source}]
		if ok && moved.mean < -2*moved.stderr {
			notes = append(notes, note{warn, fmt.Sprintf("%s: %s is less aligned than S", source, last.Name), fmt.Sprintf(
				"Mean γ changed by %s ± %s nats from S to %s, held-out loss is %s. Training on the other data cost this source.",
				signed(moved.mean, 3), fixed(moved.stderr, 3), last.Name, fixed(last.Heldout[source].Loss, 4))})
			continue
		}
		notes = append(notes, forgotten(r, last, source)...)
	}
	return notes
}

// forgotten says that a source was better in an earlier model than in the last, or
// in S than in all.
func forgotten(r *run, last record.ModelSummary, source string) []note {
	best := last
	for _, m := range r.summary.Models {
		if h, ok := m.Heldout[source]; ok && h.Loss < best.Heldout[source].Loss {
			best = m
		}
	}
	lost := last.Heldout[source].Loss - best.Heldout[source].Loss
	gained := r.valueAtS(source) - best.Heldout[source].Loss
	if best.Name == last.Name || lost < 0.05*gained {
		return nil
	}
	if best.Name == "S" {
		return []note{{info, source + ": no model is below S", fmt.Sprintf(
			"Its held-out loss is %s at S and %s at %s: no step lowered it.",
			fixed(best.Heldout[source].Loss, 4), fixed(last.Heldout[source].Loss, 4), last.Name)}}
	}
	return []note{{info, fmt.Sprintf("%s: best at %s", source, best.Name), fmt.Sprintf(
		"Its held-out loss is %s at %s and %s at %s: later steps gave back %s of the gain.",
		fixed(best.Heldout[source].Loss, 4), best.Name, fixed(last.Heldout[source].Loss, 4), last.Name, percent(lost/gained))}}
}

// valueAtS is the held-out loss before training.
func (r *run) valueAtS(source string) float64 {
	base, _ := r.summary.Find("S")
	h, ok := base.Heldout[source]
	return number(h.Loss, ok)
}

// lengthDriven looks for models whose gamma changes sign once lengths are alike.
func lengthDriven(r *run) []note {
	last, ok := r.final()
	if !ok {
		return nil
	}
	var notes []note
	for _, source := range heldoutNames(r.summary) {
		g := last.Gamma[source]
		if matched := float64(g.LengthMatched); g.Mean*matched < 0 {
			notes = append(notes, note{warn, fmt.Sprintf("%s: length drives γ", source), fmt.Sprintf(
				"%s has a mean γ of %s, but %s over the pairs whose lengths differ by at most 10 %%: a sum of log-probabilities favours the shorter completion. Judge by the value a token (%s) and by like lengths.",
				last.Name, signed(g.Mean, 3), signed(matched, 3), signed(g.PerToken, 4))})
		}
	}
	return notes
}

// fewPairs is below how many held-out pairs accuracies are too rough to rank by.
const fewPairs = 400

func heldoutNoise(r *run) []note {
	last, ok := r.final()
	if !ok {
		return nil
	}
	var few []string
	smallest := math.MaxInt
	for _, source := range heldoutNames(r.summary) {
		if n := last.Gamma[source].Pairs; n > 0 && n < fewPairs {
			few = append(few, fmt.Sprintf("%s %d", source, n))
			smallest = min(smallest, n)
		}
	}
	if len(few) == 0 {
		return nil
	}
	return []note{{info, "Few held-out pairs", fmt.Sprintf(
		"%s. An accuracy near 0.5 over %d pairs has a standard error of %s; the paired changes of γ tell more.",
		strings.Join(few, ", "), smallest, fixed(0.5/math.Sqrt(float64(smallest)), 3))}}
}
