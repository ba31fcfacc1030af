package multiplechoice

import (
	"math"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

func TestConformance(t *testing.T) {
	e, err := New(core.Options{"tasks": []string{"piqa", "winogrande"}, "num_fewshot": 1, "data": "testdata/bench"})
	if err != nil {
		t.Fatal(err)
	}
	coretest.TestEvaluator(t, e)
}

// evaluateInto writes the results of one model and loads them again.
func evaluateInto(t *testing.T, name string, o core.Options) *results.File {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := checksumScorer()
	s.info.Name = name
	dir := t.TempDir()
	metrics, err := e.Evaluate(t.Context(), s, dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range metrics {
		got, ok := f.Stats[m.Task][m.Name]
		sameErr := got.StdErr == m.StdErr || math.IsNaN(got.StdErr) && math.IsNaN(m.StdErr)
		if !ok || got.Value != m.Value || !sameErr {
			t.Errorf("the file has %+v of %s %s, the evaluator returned %+v", got, m.Task, m.Name, m)
		}
	}
	return f
}

func h4Options() core.Options {
	return core.Options{"tasks": []string{"h4"}, "data": "testdata/bench", "skip_missing": true, "num_fewshot": 2}
}

// TestH4 is the mean of the four, times 100; the leaderboard's takes the plain
// mean of MMLU's tasks.
func TestH4(t *testing.T) {
	for preset, truth := range map[Preset]string{LMEval: "truthfulqa_mc2/acc", Leaderboard: "truthfulqa_mc/mc2"} {
		o := h4Options()
		o["preset"] = string(preset)
		f := evaluateInto(t, "org/a", o)
		value := func(of string) float64 {
			name, metric, _ := strings.Cut(of, "/")
			return f.Stats[name][metric].Value
		}
		want := 25 * (value("arc_challenge/acc_norm") + value("hellaswag/acc_norm") + value("mmlu/acc") + value(truth))
		if got := value("h4/h4"); math.Abs(got-want) > 1e-9 || got == 0 {
			t.Errorf("%s: h4 is %v, want %v", preset, got, want)
		}
		mean, sum, n := 0.0, 0.0, 0.0
		for _, task := range []string{"mmlu_abstract_algebra", "mmlu_global_facts", "mmlu_sociology"} {
			s := f.Stats[task]["acc"]
			mean += s.Value / 3
			sum, n = sum+s.Value*float64(s.N), n+float64(s.N)
		}
		if preset == LMEval {
			mean = sum / n
		}
		if got := value("mmlu/acc"); math.Abs(got-mean) > 1e-12 {
			t.Errorf("%s: mmlu is %v, want %v", preset, got, mean)
		}
	}
}

// TestIncomparable refuses models that were asked different things.
func TestIncomparable(t *testing.T) {
	piqa := evaluateInto(t, "a", core.Options{"tasks": []string{"piqa"}, "data": "testdata/bench"})
	fewer := evaluateInto(t, "b", core.Options{"tasks": []string{"piqa"}, "data": "testdata/bench", "limit": 3})
	other := evaluateInto(t, "c", core.Options{"tasks": []string{"boolq"}, "data": "testdata/bench"})
	whole := evaluateInto(t, "d", h4Options())
	parts := evaluateInto(t, "e", core.Options{"tasks": []string{"arc_challenge", "hellaswag", "mmlu", "truthfulqa_mc2"}, "data": "testdata/bench", "skip_missing": true, "num_fewshot": 2})
	now := evaluateInto(t, "f", core.Options{"tasks": []string{"mmlu_sociology"}, "data": "testdata/bench"})
	then := evaluateInto(t, "g", core.Options{"tasks": []string{"mmlu_sociology"}, "data": "testdata/bench", "preset": "leaderboard", "num_fewshot": 0})
	for want, models := range map[string][]*results.File{
		`the metrics of "h4" differ: "d" has [h4], "e" has []`:                           {whole, parts},
		`the metrics of "mmlu_sociology" differ: "f" has [acc], "g" has [acc, acc_norm]`: {now, then},
		"6 documents and 3":      {piqa, fewer},
		"the tasks differ":       {piqa, other},
		"at least two models":    {piqa},
		`compare "b" with "a": `: {piqa, piqa, fewer},
	} {
		if _, err := results.Compare(models); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}
