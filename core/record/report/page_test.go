package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// value reads a number back from a cell.
func value(t *testing.T, text string) float64 {
	t.Helper()
	text, _, _ = strings.Cut(text, " ")
	v, err := strconv.ParseFloat(strings.NewReplacer("−", "-", "+", "", ",", "").Replace(text), 64)
	check(t, err)
	return v
}

// findRow returns the row that holds the cells in this order, side by side.
func findRow(t *testing.T, rows [][]string, cells ...string) []string {
	t.Helper()
	for _, row := range rows {
		for i := 0; i+len(cells) <= len(row); i++ {
			if slices.Equal(row[i:i+len(cells)], cells) {
				return row[i+len(cells):]
			}
		}
	}
	t.Fatalf("no row with %q in %q", cells, rows)
	return nil
}

func wantValues(t *testing.T, what string, cells []string, tolerance float64, want ...float64) {
	t.Helper()
	for i, w := range want {
		if got := value(t, cells[i]); math.Abs(got-w) > tolerance {
			t.Errorf("%s, number %d: the page says %v, the file %v", what, i+1, got, w)
		}
	}
}

func TestNumbersAreThoseOfTheFiles(t *testing.T) {
	f := twoSteps()
	doc, _ := render(t, f.write(t, "run"))
	rows := cellsOf(doc)
	for i, m := range f.summary.Models {
		h, g := m.Heldout["held"], m.Gamma["held"]
		name := ""
		if i == 0 {
			name = "held 500 pairs"
		}
		cells := findRow(t, rows, name, m.Name)
		wantValues(t, m.Name, cells, 6e-4, h.Loss, h.Accuracy, h.Margin, h.RewardsChosen, h.RewardsRejected, g.Mean)
		wantValues(t, m.Name, cells[6:], 6e-4, g.PerToken, float64(g.LengthMatched), g.RewardAccuracy)
	}
	for t0, s := range f.steps {
		source := []string{"orca", "2 sources"}[t0]
		cells := findRow(t, rows, fmt.Sprint(s.Step), source)
		wantValues(t, "step", cells, 0, float64(s.Pairs))
		if want := []string{"S", "M1"}[t0]; cells[3] != want {
			t.Errorf("step %d refers to %q, want %q", s.Step, cells[3], want)
		}
		wantValues(t, "step", cells[4:], 6e-4, s.Gamma.Mean, s.Gamma.PerToken, s.RewardAccuracy, float64(s.Updates), s.Loss.First)
		if !strings.HasSuffix(cells[8], fmt.Sprintf("→ %.4f", s.Loss.Last)) {
			t.Errorf("losses of step %d are %q", s.Step, cells[8])
		}
	}
	wantValues(t, "ultra", findRow(t, rows, "ultra"), 1e-3, 160, 0.4375, -2.5)
	wantValues(t, "extra", findRow(t, rows, "extra"), 1e-3, 320, 0.375, -3.25)
}

func TestBenchmarksWithStandardErrorAndDifference(t *testing.T) {
	f := twoSteps()
	last := &f.summary.Models[len(f.summary.Models)-1]
	last.EvalStdErr = map[string]map[string]record.Number{"arc": {"acc_norm": 0.0127}}
	doc, _ := render(t, f.write(t, "run"))
	rows := cellsOf(doc)
	if got := findRow(t, rows, "M2", "0.2703 ± 0.0127"); got[0] != "+0.0202" {
		t.Errorf("change from S is %q", got[0])
	}
	if got := findRow(t, rows, "M1", "0.2602"); got[0] != "+0.0101" {
		t.Errorf("change from S is %q", got[0])
	}
}

// Gamma moves from S by 1 and 4: mean 2.5, standard error 3/2.
func TestChangeFromSIsPaired(t *testing.T) {
	f := twoSteps()
	f.heldout = map[string][]record.PairScore{
		"S":  {{Chosen: -5, Rejected: -3}, {Chosen: -9, Rejected: -10}},
		"M2": {{Chosen: -5, Rejected: -4}, {Chosen: -9, Rejected: -14}},
	}
	doc, _ := render(t, f.write(t, "run"))
	if got := findRow(t, cellsOf(doc), "", "M2")[6]; got != "+2.500 ± 1.500" {
		t.Errorf("change from S is %q", got)
	}
}

func TestHeaderNamesWhatTheRunIs(t *testing.T) {
	doc, _ := render(t, twoSteps().write(t, "my-run"))
	if h1 := words(elements(doc, "h1")[0]); h1 != "my-run" {
		t.Errorf("heading %q", h1)
	}
	header := words(elements(doc, "header")[0])
	for _, want := range []string{"2026-01-02 03:04 UTC", "models/base abababababab", "gorgonia float32", "easy-to-hard T = 2", "sigmoid beta 0.1", "stepwise 1.2.3", "50 updates 50,000 tokens in 1m40s, 500 a second"} {
		if !strings.Contains(header, want) {
			t.Errorf("header lacks %q: %s", want, header)
		}
	}
}

func TestNothingIsLoaded(t *testing.T) {
	doc, text := render(t, twoSteps().write(t, "a"), twoSteps().write(t, "b"))
	for n := range doc.Descendants() {
		if slices.Contains([]string{"script", "link", "img", "image", "iframe", "object", "embed", "base"}, n.Data) {
			t.Errorf("the page has an element %q", n.Data)
		}
		for _, a := range n.Attr {
			if v := strings.ToLower(a.Val); strings.HasPrefix(v, "//") || strings.Contains(v, "http:") || strings.Contains(v, "https:") {
				t.Errorf("%s %s = %q", n.Data, a.Key, a.Val)
			}
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s has a handler %s", n.Data, a.Key)
			}
		}
	}
	for _, bad := range []string{"@import", "url("} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	one, two := twoSteps().write(t, "one"), twoSteps().write(t, "two")
	_, first := render(t, one, two)
	for range 5 {
		if _, again := render(t, one, two); again != first {
			t.Fatal("the page differs from one time to the next")
		}
	}
}

// A run writes its files one after the other; each state has a page.
func TestUnfinishedRuns(t *testing.T) {
	full := twoSteps()
	states := []struct {
		name string
		f    *fixture
		note string
	}{
		{"begun", &fixture{config: full.config}, "Not begun"},
		{"planned", &fixture{config: full.config, manifest: full.manifest, plan: full.plan}, "0 of 2 steps done, 0 updates"},
		{"in step 1", &fixture{config: full.config, plan: full.plan, metrics: full.metrics[:1]}, "0 of 2 steps done, 1 update"},
		{"in step 2", &fixture{config: full.config, plan: full.plan, metrics: full.metrics[:23], steps: full.steps[:1], summary: &record.Summary{Models: full.summary.Models[:2]}}, "1 of 2 steps done, 23 updates"},
		{"not measured", &fixture{config: full.config, plan: full.plan, metrics: full.metrics, steps: full.steps}, ""},
	}
	var all []string
	for _, s := range states {
		dir := s.f.write(t, s.name)
		all = append(all, dir)
		doc, _ := render(t, dir)
		if text := words(doc); !strings.Contains(text, s.note) {
			t.Errorf("%s: no note %q in %s", s.name, s.note, text)
		}
	}
	render(t, all...)
}

func TestBrokenInputIsAnError(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"no run":            func(dir string) error { return os.Remove(filepath.Join(dir, "config.toml")) },
		"bad configuration": func(dir string) error { return os.WriteFile(filepath.Join(dir, "config.toml"), []byte("= 1"), 0o644) },
		"bad summary":       func(dir string) error { return os.WriteFile(filepath.Join(dir, "summary.json"), []byte("{"), 0o644) },
		"bad metrics":       func(dir string) error { return os.WriteFile(filepath.Join(dir, "metrics.jsonl"), []byte("x\n"), 0o644) },
		"bad step":          func(dir string) error { return os.WriteFile(filepath.Join(dir, "step-2", "step.json"), nil, 0o644) },
	} {
		dir := twoSteps().write(t, "run")
		check(t, spoil(dir))
		if err := write(&bytes.Buffer{}, "/", []string{dir}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v does not name %s", name, err, dir)
		}
	}
	if write(&bytes.Buffer{}, "/", nil) == nil {
		t.Error("a page of no run")
	}
}

func TestHostileNames(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	f := twoSteps()
	f.config = strings.Replace(f.config, `"sigmoid"`, `"sigmoid</style><script>x</script>"`, 1)
	f.plan.Steps[0].Sources[0].Name = evil
	f.manifest.Version, f.manifest.Machine.OS, f.manifest.Machine.Hostname = evil, "linux", evil
	f.manifest.Sources[evil] = record.Hashed{Path: "javascript:alert(3)", SHA256: "<b>"}
	for i := range f.summary.Models {
		m := &f.summary.Models[i]
		m.Name += "<b>"
		m.Heldout[evil], m.Gamma[evil] = m.Heldout["held"], m.Gamma["held"]
		m.Eval["</td><script>"] = map[string]record.Number{"<i>": 1}
	}
	dir := f.write(t, "javascript:alert('<b>')")
	doc, _ := render(t, dir, twoSteps().write(t, "b"))
	for _, name := range []string{"script", "img", "b", "i"} {
		for _, n := range elements(doc, name) {
			if text := words(n); strings.Contains(text, "alert") || name == "script" || name == "img" {
				t.Errorf("an element %q of a name: %q", name, text)
			}
		}
	}
	if !strings.Contains(words(doc), evil) {
		t.Error("the source's name is not on the page")
	}
	for _, a := range elements(doc, "a") {
		if href := attribute(a, "href"); !strings.HasPrefix(href, "./") {
			t.Errorf("a link to %q", href)
		}
	}
}

func TestLinksOfAFileAreRelative(t *testing.T) {
	root := t.TempDir()
	dir := twoSteps().write(t, "a: run #1?")
	check(t, os.Rename(dir, filepath.Join(root, "a: run #1?")))
	dir = filepath.Join(root, "a: run #1?")
	path := filepath.Join(root, "compared.html")
	check(t, WriteFile(path, []string{dir}))
	text, err := os.ReadFile(path)
	check(t, err)
	for _, want := range []string{`href="./a:%20run%20%231%3F/metrics.jsonl"`, `>metrics.jsonl</a>`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	left, err := filepath.Glob(filepath.Join(root, ".*"))
	check(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	before := text
	if WriteFile(path, []string{filepath.Join(root, "none")}) == nil {
		t.Error("a page of a folder that is not there")
	}
	if text, err = os.ReadFile(path); err != nil || !bytes.Equal(text, before) {
		t.Errorf("a failed page replaced the one before (%v)", err)
	}
}
