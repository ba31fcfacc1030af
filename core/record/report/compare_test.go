package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// seeded is a run whose final model has the given accuracy on the benchmark.
func seeded(t *testing.T, name, strategy string, seed int, acc float64) string {
	f := twoSteps()
	f.config = config(seed, strategy)
	f.summary.Models[2].Eval["arc"]["acc_norm"] = record.Number(acc)
	return f.write(t, name)
}

func TestRunsThatDifferInTheirSeedAreOneRow(t *testing.T) {
	// Mean 0.4, sample standard deviation 0.1.
	doc, text := render(t, seeded(t, "r1", "random", 1, 0.3), seeded(t, "given", "given", 1, 0.2), seeded(t, "r2", "random", 2, 0.5), seeded(t, "r3", "random", 3, 0.4))
	rows := cellsOf(doc)
	random := findRow(t, rows, "random seeds 1, 2, 3")
	if !slices.Contains(random, "0.4000 ± 0.1000") {
		t.Errorf("the row of three seeds is %q", random)
	}
	if given := findRow(t, rows, "given seed 1"); !slices.Contains(given, "0.2000") {
		t.Errorf("the row of one seed is %q", given)
	}
	for name, acc := range map[string]string{"r1 M2": "0.3000", "r2 M2": "0.5000", "r3 M2": "0.4000"} {
		if single := findRow(t, rows, name); !slices.Contains(single, acc) {
			t.Errorf("%s is %q", name, single)
		}
	}
	// gamma_ref over 320 pairs at 1.25 and 480 at -1.75 is -0.55.
	if random[1] != "−0.55 ± 0.00" {
		t.Errorf("mean gamma_ref is %q", random[1])
	}
	if want := "The runs differ in <code>partition.strategy</code>"; !strings.Contains(text, want) {
		t.Errorf("the page lacks %q", want)
	}
}

func TestOtherDataIsAnotherGroup(t *testing.T) {
	a, b := twoSteps(), twoSteps()
	b.manifest.Sources["orca"] = record.Hashed{SHA256: "other"}
	doc, _ := render(t, a.write(t, "a"), b.write(t, "b"))
	rows := cellsOf(doc)
	findRow(t, rows, "a seed 7")
	findRow(t, rows, "b seed 7")
}

func TestRunsOfOneNameAreToldApart(t *testing.T) {
	a, b := twoSteps().write(t, "same"), twoSteps().write(t, "same")
	doc, _ := render(t, a, b)
	text := words(doc)
	if !strings.Contains(text, a) || !strings.Contains(text, b) {
		t.Error("two runs of the same name")
	}
}

func TestJudgeBySeeds(t *testing.T) {
	m := measure{"acc", "arc", 3, +1, true, nil}
	far := judge([]standing{{"a", 0.70, 0.01}, {"b", 0.60, 0.01}}, m)
	if far.Kind != good || !strings.Contains(far.Title, "a leads") || !strings.Contains(far.Text, "b 0.600 (−0.100 ± 0.014)") {
		t.Errorf("a lead of seven standard errors: %+v", far)
	}
	near := judge([]standing{{"a", 0.70, 0.05}, {"b", 0.60, 0.05}}, m)
	if near.Kind != info || strings.Contains(near.Title, "leads") {
		t.Errorf("a lead of 1.4 standard errors: %+v", near)
	}
}

func TestOneSeedEachIsNotJudged(t *testing.T) {
	doc, _ := render(t, seeded(t, "a", "random", 1, 0.3), seeded(t, "b", "given", 1, 0.9))
	if text := words(doc); !strings.Contains(text, "Too few seeds to judge") || strings.Contains(text, "leads") {
		t.Error("one seed each was judged")
	}
}
