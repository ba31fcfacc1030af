package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/loss"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// kind is how much a note matters.
type kind string

const (
	warn kind = "warn" // something to act on
	info kind = "info" // something to know
	good kind = "good" // something that was checked and holds
)

// note is an observation on a run's numbers.
type note struct {
	Kind        kind
	Title, Text string
}

// observations look at a run each; they say nothing where there is nothing to say.
var observations = []func(*run) []note{
	unfinished, droppedRows,
	noteStart, noteZeroRate, noteOneStep,
	rewardsFall, accuracyStuck, gradientSpikes,
	referenceAlignment, referenceHasSeen,
	heldoutWorse, lengthDriven, heldoutNoise,
}

// notesOf lists what the run's numbers say, warnings first.
func notesOf(r *run) []note {
	var notes []note
	for _, observe := range observations {
		notes = append(notes, observe(r)...)
	}
	order := []kind{warn, info, good}
	slices.SortStableFunc(notes, func(a, b note) int {
		return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
	})
	return notes
}

func unfinished(r *run) []note {
	switch {
	case r.T() == 0:
		return []note{{warn, "Not begun", "The run has no plan yet: it ended before the partition was made."}}
	case len(r.steps) < r.T():
		return []note{{warn, "Not finished", fmt.Sprintf("%d of %s done, %s recorded. `stepwise run --resume` goes on.",
			len(r.steps), plural(r.T(), "step"), plural(len(r.metrics), "update"))}}
	}
	return nil
}

func droppedRows(r *run) []note {
	var notes []note
	for _, report := range r.rows {
		for _, f := range report.Findings() {
			k := info
			if f.Dropped {
				k = warn
			}
			notes = append(notes, note{k, fmt.Sprintf("%s: %s of %s rows", report.Source, thousands(f.Count), thousands(report.Rows)),
				fmt.Sprintf("%s; %s.", f.What, f.Remedy)})
		}
	}
	return notes
}

// rewardAtStart is how large a reward may be by rounding alone where target and
// reference are the same model.
const rewardAtStart = 1e-3

func noteStart(r *run) []note {
	if referenceFree(r) {
		return nil
	}
	var off []string
	steps := r.stretches()
	for _, s := range steps {
		if first := s.rows[0]; math.Abs(first.RewardsChosen) > rewardAtStart || math.Abs(first.RewardsRejected) > rewardAtStart {
			off = append(off, fmt.Sprintf("step %d at %s and %s", s.step, signed(first.RewardsChosen, 4), signed(first.RewardsRejected, 4)))
		}
	}
	switch {
	case len(steps) == 0:
		return nil
	case len(off) == 0:
		return []note{{good, "Every step starts at its reference", fmt.Sprintf(
			"Rewards are 0 and the loss is %s at the first update of each step: target and reference held the same weights and saw the same tokens.", fixed(steps[0].rows[0].Loss, 4))}}
	}
	text := "Rewards of the first update, chosen and rejected: " + strings.Join(off, "; ") + ". "
	if r.settings.is("train.target_init", "previous") && r.settings.is("train.reference", "previous") {
		return []note{{warn, "A step does not start at its reference", text + "Target and reference should be the same model here; check the models' folders."}}
	}
	return []note{{info, "The target does not start at its reference", text + fmt.Sprintf(
		"The configuration says so: reference = %q, target_init = %q.", r.settings["train.reference"], r.settings["train.target_init"])}}
}

// referenceFree says whether the run's rewards refer to no reference.
func referenceFree(r *run) bool {
	fn, err := loss.New(r.settings["train.loss_type"], nil)
	return err == nil && fn.ReferenceFree
}

func noteZeroRate(r *run) []note {
	for _, s := range r.stretches() {
		if len(s.rows) > 1 && s.rows[0].LearningRate == 0 && s.rows[0].Loss == s.rows[1].Loss {
			return []note{{info, "The first update changes nothing", fmt.Sprintf(
				"Warm-up starts at a learning rate of 0, so the second loss of a step equals its first (step %d: %s and %s). It is so in transformers too.",
				s.step, fixed(s.rows[0].Loss, 4), fixed(s.rows[1].Loss, 4))}}
		}
	}
	return nil
}

func noteOneStep(r *run) []note {
	if r.T() != 1 {
		return nil
	}
	return []note{{info, "T = 1: this is plain DPO", fmt.Sprintf(
		"All %s are in one step, whose reference is %s. Stepwise DPO needs a partition of two steps or more.", plural(r.plan.Steps[0].Pairs, "pair"), referenceName(r, 1))}}
}

// late are the last quarter of a step's updates, by which its end is judged.
func late(s stretch) []record.Metrics { return s.rows[len(s.rows)*3/4:] }

func average(rows []record.Metrics, get func(record.Metrics) float64) float64 {
	var sum float64
	for _, m := range rows {
		sum += get(m)
	}
	return sum / float64(len(rows))
}

func rewardsFall(r *run) []note {
	if referenceFree(r) {
		return nil
	}
	var notes []note
	for _, s := range r.stretches() {
		end := late(s)
		chosen := average(end, func(m record.Metrics) float64 { return m.RewardsChosen })
		rejected := average(end, func(m record.Metrics) float64 { return m.RewardsRejected })
		if chosen >= -rewardAtStart || rejected >= -rewardAtStart {
			continue
		}
		text := fmt.Sprintf("Over its last %s the mean reward of chosen is %s and of rejected %s. The loss sees only their difference, and a completion that shares words with a rejected one sinks with it. ",
			plural(len(end), "update"), signed(chosen, 4), signed(rejected, 4))
		title := fmt.Sprintf("Step %d: both rewards fall", s.step)
		if -chosen > chosen-rejected {
			notes = append(notes, note{warn, title, text + fmt.Sprintf(
				"Here chosen lost more (%s) than the margin gained (%s): read some of the model's own texts. A lower learning rate, fewer epochs or a larger beta hold it back; loss_type nca_pair or apo_zero, or cpo with its likelihood term, hold the chosen up.", fixed(-chosen, 4), fixed(chosen-rejected, 4))})
			continue
		}
		notes = append(notes, note{info, title, text + fmt.Sprintf(
			"That is common and fine while the margin (%s) grows faster than chosen falls and held-out accuracy rises.", fixed(chosen-rejected, 4))})
	}
	return notes
}

// stuckFrom is how many updates a step needs before its accuracy can be called
// stuck.
const stuckFrom = 20

func accuracyStuck(r *run) []note {
	var notes []note
	for _, s := range r.stretches() {
		if len(s.rows) < stuckFrom {
			continue
		}
		accuracy := average(late(s), func(m record.Metrics) float64 { return m.Accuracies })
		if accuracy >= 0.55 {
			continue
		}
		margin := average(late(s), func(m record.Metrics) float64 { return m.Margins })
		highest := slices.MaxFunc(s.rows, func(a, b record.Metrics) int { return cmp.Compare(a.LearningRate, b.LearningRate) }).LearningRate
		notes = append(notes, note{warn, fmt.Sprintf("Step %d: reward accuracy stuck at %s", s.step, fixed(accuracy, 3)), fmt.Sprintf(
			"Over its last quarter the margin is %s, after %s at a learning rate of at most %s. A coin gets 0.5. If the rewards hardly left 0, the learning rate is too low or the step too short; if they moved, look whether chosen and rejected are swapped or nearly the same (`stepwise show`).",
			signed(margin, 4), plural(len(s.rows), "update"), short(highest))})
	}
	return notes
}

// spike is how many times the step's median a gradient norm has to be.
const spike = 5

func gradientSpikes(r *run) []note {
	remedy := "They are clipped to max_grad_norm = " + r.settings["train.max_grad_norm"] + "."
	if r.settings.is("train.max_grad_norm", "0") {
		remedy = "Nothing clips them: max_grad_norm would."
	}
	var notes []note
	for _, s := range r.stretches() {
		count, median, worst := spikesOf(s.rows)
		if count == 0 {
			continue
		}
		notes = append(notes, note{warn, fmt.Sprintf("Step %d: %s of the gradient norm", s.step, plural(count, "spike")), fmt.Sprintf(
			"More than %d times the median %s; the largest is %s at update %d, where the loss was %s. %s",
			spike, short(median), short(worst.GradNorm), worst.Update, fixed(worst.Loss, 4), remedy)})
	}
	return notes
}

// spikesOf counts the gradient norms far above the median and returns the
// update of the largest.
func spikesOf(rows []record.Metrics) (count int, median float64, worst record.Metrics) {
	norms := make([]float64, len(rows))
	for i, m := range rows {
		norms[i] = m.GradNorm
	}
	slices.Sort(norms)
	median = norms[len(norms)/2]
	for _, m := range rows {
		if median > 0 && m.GradNorm > spike*median {
			count++
		}
		if m.GradNorm > worst.GradNorm {
			worst = m
		}
	}
	return count, median, worst
}
