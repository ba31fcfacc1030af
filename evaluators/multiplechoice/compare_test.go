package multiplechoice

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

func TestConformance(t *testing.T) {
	e, err := New(core.Options{"tasks": []string{"piqa", "winogrande"}, "num_fewshot": 1, "data": "testdata/bench"})
	if err != nil {
		t.Fatal(err)
	}
	coretest.TestEvaluator(t, e)
}

// evaluateInto writes the results of one model and loads them again.
func evaluateInto(t *testing.T, name string, answers func(string, string) answer, o core.Options) *Results {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := checksumScorer()
	s.answer, s.info.Name = answers, name
	dir := t.TempDir()
	metrics, err := e.Evaluate(t.Context(), s, dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range metrics {
		got, ok := r.all[m.Task][m.Name]
		sameErr := got.stdErr == m.StdErr || math.IsNaN(got.stdErr) && math.IsNaN(m.StdErr)
		if !ok || got.value != m.Value || !sameErr {
			t.Errorf("the file has %+v of %s %s, the evaluator returned %+v", got, m.Task, m.Name, m)
		}
	}
	return r
}

// longest likes long completions.
func longest(_, completion string) answer { return answer{ll: float64(len(completion))} }

func h4Options() core.Options {
	return core.Options{"tasks": []string{"h4"}, "data": "testdata/bench", "skip_missing": true, "num_fewshot": 2}
}

// TestCompare checks the paired differences against those computed from both
// samples files one by one.
func TestCompare(t *testing.T) {
	a, b := evaluateInto(t, "org/a", checksum, h4Options()), evaluateInto(t, "org/b", longest, h4Options())
	c, err := Compare([]*Results{a, b})
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range []string{"arc_challenge", "mmlu_sociology"} {
		metric := "acc"
		var sum, squares float64
		n := float64(len(a.docs[task]))
		for i := range a.docs[task] {
			d := b.docs[task][i].values[metric] - a.docs[task][i].values[metric]
			sum, squares = sum+d, squares+d*d
		}
		mean := sum / n
		stdErr := math.Sqrt((squares - n*mean*mean) / (n - 1) / n)
		got := c.differences[1][task][metric]
		if math.Abs(got.value-mean) > 1e-12 || math.Abs(got.stdErr-stdErr) > 1e-12 {
			t.Errorf("%s: %v ± %v, want %v ± %v", task, got.value, got.stdErr, mean, stdErr)
		}
	}
	for _, of := range [][2]string{{"h4", "h4"}, {"mmlu", "acc"}} {
		got := c.differences[1][of[0]][of[1]].value
		want := b.all[of[0]][of[1]].value - a.all[of[0]][of[1]].value
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("difference of %s is %v, of the means %v", of[0], got, want)
		}
	}
	if d := c.differences[0]["h4"]["h4"]; d.value != 0 || d.stdErr != 0 {
		t.Errorf("a model differs from itself by %+v", d)
	}
}

// TestComparisonTable is the paper's layout: the mean first, then its parts.
func TestComparisonTable(t *testing.T) {
	a, b := evaluateInto(t, "org/a", checksum, h4Options()), evaluateInto(t, "org/b", longest, h4Options())
	c, err := Compare([]*Results{a, b})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(c.Table(), "\n")
	var header []string
	for cell := range strings.SplitSeq(strings.Trim(lines[0], "|"), "|") {
		header = append(header, strings.TrimSpace(cell))
	}
	want := "Model, h4, arc_challenge acc_norm, hellaswag acc_norm, mmlu acc, truthfulqa_mc2 acc"
	if got := strings.Join(header, ", "); got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	for _, extension := range []string{".png", ".svg"} {
		path := filepath.Join(t.TempDir(), "plot"+extension)
		if err := c.WritePlot(path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if s := a.Summary(); !strings.Contains(s, "acc (mean of tasks)") || !strings.Contains(s, "preset lm-eval") {
		t.Errorf("summary:\n%s", s)
	}
}

// TestH4 is the mean of the four, times 100; the leaderboard's takes the plain
// mean of MMLU's tasks.
func TestH4(t *testing.T) {
	for preset, truth := range map[Preset]string{LMEval: "truthfulqa_mc2/acc", Leaderboard: "truthfulqa_mc/mc2"} {
		o := h4Options()
		o["preset"] = string(preset)
		r := evaluateInto(t, "org/a", checksum, o)
		value := func(of string) float64 {
			name, metric, _ := strings.Cut(of, "/")
			return r.all[name][metric].value
		}
		want := 25 * (value("arc_challenge/acc_norm") + value("hellaswag/acc_norm") + value("mmlu/acc") + value(truth))
		if got := value("h4/h4"); math.Abs(got-want) > 1e-9 || got == 0 {
			t.Errorf("%s: h4 is %v, want %v", preset, got, want)
		}
		mean, sum, n := 0.0, 0.0, 0.0
		for _, task := range []string{"mmlu_abstract_algebra", "mmlu_global_facts", "mmlu_sociology"} {
			s := r.all[task]["acc"]
			mean += s.value / 3
			sum, n = sum+s.value*float64(s.n), n+float64(s.n)
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
	piqa := evaluateInto(t, "a", checksum, core.Options{"tasks": []string{"piqa"}, "data": "testdata/bench"})
	fewer := evaluateInto(t, "b", checksum, core.Options{"tasks": []string{"piqa"}, "data": "testdata/bench", "limit": 3})
	other := evaluateInto(t, "c", checksum, core.Options{"tasks": []string{"boolq"}, "data": "testdata/bench"})
	whole := evaluateInto(t, "d", checksum, h4Options())
	parts := evaluateInto(t, "e", checksum, core.Options{"tasks": []string{"arc_challenge", "hellaswag", "mmlu", "truthfulqa_mc2"}, "data": "testdata/bench", "skip_missing": true, "num_fewshot": 2})
	now := evaluateInto(t, "f", checksum, core.Options{"tasks": []string{"mmlu_sociology"}, "data": "testdata/bench"})
	then := evaluateInto(t, "g", checksum, core.Options{"tasks": []string{"mmlu_sociology"}, "data": "testdata/bench", "preset": "leaderboard", "num_fewshot": 0})
	for want, models := range map[string][]*Results{
		`the metrics of "h4" differ: "d" has [h4], "e" has []`:                           {whole, parts},
		`the metrics of "mmlu_sociology" differ: "f" has [acc], "g" has [acc, acc_norm]`: {now, then},
		"6 documents and 3":      {piqa, fewer},
		"the tasks differ":       {piqa, other},
		"at least two models":    {piqa},
		`compare "b" with "a": `: {piqa, piqa, fewer},
	} {
		if _, err := Compare(models); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	one, both := map[string]float64{"acc": 1}, map[string]float64{"acc": 1, "acc_norm": 1}
	if _, err := paired([]document{{"x", both}}, []document{{"x", one}}); err == nil {
		t.Error("samples with other metrics were paired")
	}
	odd := filepath.Join(t.TempDir(), "x[1]")
	write(t, filepath.Join(odd, "results_1.json"), "{}")
	if _, err := Load(odd); err == nil || !strings.Contains(err.Error(), "it holds no results") {
		t.Errorf("a folder with brackets: %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no results") {
		t.Errorf("an empty folder: %v", err)
	}
}
