package results

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompare checks the paired differences against those computed from the
// answers one by one.
func TestCompare(t *testing.T) {
	first, second := fourRun("org/a", 2), fourRun("org/b", 3)
	a, b := loaded(t, first), loaded(t, second)
	c, err := Compare([]*File{a, b})
	if err != nil {
		t.Fatal(err)
	}
	for i, task := range first.Tasks {
		var sum, squares float64
		n := float64(len(task.Samples))
		for j, s := range task.Samples {
			d := second.Tasks[i].Samples[j].Values["acc"] - s.Values["acc"]
			sum, squares = sum+d, squares+d*d
		}
		mean := sum / n
		stdErr := math.Sqrt((squares - n*mean*mean) / (n - 1) / n)
		got := c.differences[1][task.Name]["acc"]
		if math.Abs(got.Value-mean) > 1e-12 || math.Abs(got.StdErr-stdErr) > 1e-12 {
			t.Errorf("%s: %v ± %v, want %v ± %v", task.Name, got.Value, got.StdErr, mean, stdErr)
		}
	}
	for _, of := range [][2]string{{"four", "four"}, {"sum", "acc"}} {
		got := c.differences[1][of[0]][of[1]].Value
		want := b.Stats[of[0]][of[1]].Value - a.Stats[of[0]][of[1]].Value
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("difference of %s is %v, of the means %v", of[0], got, want)
		}
	}
	if d := c.differences[0]["four"]["four"]; d.Value != 0 || d.StdErr != 0 {
		t.Errorf("a model differs from itself by %+v", d)
	}
}

// TestComparisonTable is the paper's layout: the mean first, then its parts.
func TestComparisonTable(t *testing.T) {
	c, err := Compare([]*File{loaded(t, fourRun("org/a", 2)), loaded(t, fourRun("org/b", 3))})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(c.Table(), "\n")
	var header []string
	for cell := range strings.SplitSeq(strings.Trim(lines[0], "|"), "|") {
		header = append(header, strings.TrimSpace(cell))
	}
	want := "Model, four, arc acc_norm, sum acc"
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
}

// TestPaired refuses samples that are not of the same documents and metrics.
func TestPaired(t *testing.T) {
	one, both := map[string]float64{"acc": 1}, map[string]float64{"acc": 1, "acc_norm": 1}
	for want, pair := range map[string][2][]document{
		"the metrics of document 0 differ": {{{"x", both}}, {{"x", one}}},
		"document 0 differs":               {{{"x", one}}, {{"y", one}}},
		"1 documents and 0":                {{{"x", one}}, nil},
	} {
		if _, err := paired(pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}
