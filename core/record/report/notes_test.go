package report

import (
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// TestNotes spoils a sound run in one respect each, which the notes have to
// name with its numbers; the sound run gets none of them.
func TestNotes(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*fixture)
		kind  kind
		title string
		text  string
	}{
		{"plain DPO", func(f *fixture) {
			f.plan.Steps, f.steps, f.metrics = f.plan.Steps[:1], f.steps[:1], f.metrics[:20]
		}, info, "T = 1: this is plain DPO", "All 320 pairs are in one step, whose reference is S"},
		{"warm-up from zero", func(f *fixture) {
			f.metrics[0].LearningRate, f.metrics[1].Loss = 0, f.metrics[0].Loss
		}, info, "The first update changes nothing", "step 1: 0.6931 and 0.6931"},
		{"wrong reference", func(f *fixture) {
			f.metrics[20].RewardsChosen = 0.5
		}, warn, "A step does not start at its reference", "step 2 at +0.5000 and 0.0000"},
		{"target starts at the base", func(f *fixture) {
			f.config = strings.Replace(f.config, `target_init = "previous"`, `target_init = "base"`, 1)
			f.metrics[20].RewardsChosen = 0.5
		}, info, "The target does not start at its reference", `target_init = "base"`},
		{"both rewards fall, the margin grows", func(f *fixture) {
			for i := range f.metrics[:20] {
				m := &f.metrics[i]
				m.RewardsChosen, m.RewardsRejected = -m.RewardsChosen, 4*m.RewardsRejected
			}
		}, info, "Step 1: both rewards fall", "mean reward of chosen is −0.0850 and of rejected −0.6800"},
		{"chosen falls more than the margin grows", func(f *fixture) {
			for i := range f.metrics[:20] {
				f.metrics[i].RewardsChosen = 0.9 * f.metrics[i].RewardsRejected
			}
		}, warn, "Step 1: both rewards fall", "chosen lost more (0.1530) than the margin gained (0.0170)"},
		{"accuracy stuck", func(f *fixture) {
			for i := range f.metrics[20:] {
				f.metrics[20+i].Accuracies = 0.5
			}
		}, warn, "Step 2: reward accuracy stuck at 0.500", "after 30 updates at a learning rate of at most 5e-07"},
		{"spike", func(f *fixture) {
			f.metrics[25].GradNorm = 77
		}, warn, "Step 2: 1 spike of the gradient norm", "the largest is 77 at update 6"},
		{"reference has seen the data", func(f *fixture) {
			f.steps[1].Gamma.PerToken, f.steps[1].RewardAccuracy = 0.8, 0.99
		}, warn, "Step 2: the reference seems to have seen these pairs", "M1 ranks 99.0 % of them right, by +0.800 nats a token"},
		{"reference no more aligned", func(f *fixture) {
			f.steps[1].Gamma.Mean = -3.5
		}, info, "The references are no more aligned than S", "step 2: −3.500 by M1, −3.000 by S"},
		{"forgotten", func(f *fixture) {
			h := f.summary.Models[2].Heldout["held"]
			h.Loss = 0.65
			f.summary.Models[2].Heldout["held"] = h
		}, info, "held: best at M1", "0.6123 at M1 and 0.6500 at M2: later steps gave back 46.6 %"},
		{"no better than S", func(f *fixture) {
			h := f.summary.Models[2].Heldout["held"]
			h.Loss = 0.75
			f.summary.Models[1].Heldout["held"], f.summary.Models[2].Heldout["held"] = h, h
		}, info, "held: no model is below S", "0.6931 at S and 0.7500 at M2"},
		{"worse than S", func(f *fixture) {
			f.heldout = map[string][]record.PairScore{
				"S":  {{Chosen: -5, Rejected: -6}, {Chosen: -5, Rejected: -6}, {Chosen: -5, Rejected: -6}},
				"M2": {{Chosen: -5, Rejected: -5}, {Chosen: -5, Rejected: -4}, {Chosen: -5, Rejected: -3}},
			}
		}, warn, "held: M2 is less aligned than S", "changed by −2.000 ± 0.577 nats"},
		{"length drives gamma", func(f *fixture) {
			g := f.summary.Models[2].Gamma["held"]
			g.LengthMatched = -1
			f.summary.Models[2].Gamma["held"] = g
		}, warn, "held: length drives γ", "mean γ of +2.500, but −1.000 over"},
		{"dropped rows", func(f *fixture) {
			f.rows = []preference.Report{{Source: "orca", Rows: 1234, Ties: 34, Truncated: 5}}
		}, warn, "orca: 34 of 1,234 rows", "votes tied"},
		{"truncated rows", func(f *fixture) {
			f.rows = []preference.Report{{Source: "orca", Rows: 1234, Truncated: 5, RowTokens: preference.Quantiles{Max: 2000}}}
		}, info, "orca: 5 of 1,234 rows", "truncated; max_length = 2000 would cut nothing"},
		{"few pairs", func(f *fixture) {
			g := f.summary.Models[2].Gamma["held"]
			g.Pairs = 100
			f.summary.Models[2].Gamma["held"] = g
		}, info, "Few held-out pairs", "held 100. An accuracy near 0.5 over 100 pairs has a standard error of 0.050"},
	}
	sound := readFixture(t, twoSteps())
	for _, c := range cases {
		f := twoSteps()
		c.spoil(f)
		if n, ok := find(notesOf(sound), c.title); ok {
			t.Errorf("%s: the sound run has the note %+v", c.name, n)
		}
		n, ok := find(notesOf(readFixture(t, f)), c.title)
		if !ok || n.Kind != c.kind || !strings.Contains(n.Text, c.text) {
			t.Errorf("%s: note %+v, want %s with %q", c.name, n, c.kind, c.text)
		}
	}
}

func TestNotesOfASoundRun(t *testing.T) {
	notes := notesOf(readFixture(t, twoSteps()))
	for title, text := range map[string]string{
		"Every step starts at its reference": "the loss is 0.6931",
		"The references get more aligned":    "step 2: −1.750 by M1, −3.000 by S",
	} {
		if n, ok := find(notes, title); !ok || n.Kind != good || !strings.Contains(n.Text, text) {
			t.Errorf("note %+v, want %q with %q", n, title, text)
		}
	}
	if len(notes) != 2 {
		t.Errorf("more notes than two: %+v", notes)
	}
}

func TestWarningsComeFirst(t *testing.T) {
	f := twoSteps()
	f.metrics[25].GradNorm = 77
	if notes := notesOf(readFixture(t, f)); notes[0].Kind != warn || notes[len(notes)-1].Kind != good {
		t.Errorf("the order is %+v", notes)
	}
}

func readFixture(t *testing.T, f *fixture) *run {
	t.Helper()
	r, err := read(f.write(t, "run"))
	check(t, err)
	return r
}

func find(notes []note, title string) (note, bool) {
	for _, n := range notes {
		if n.Title == title {
			return n, true
		}
	}
	return note{}, false
}
