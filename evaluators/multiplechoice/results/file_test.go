package results

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestRoundTrip: a run comes back as it was written, and the newest of two files
// is the one that is read.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	for i, model := range []string{"org/old", "org/new"} {
		r := fourRun(model, 2)
		r.Preset, r.Start = "lm-eval", time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)
		if err := r.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := fourRun("org/new", 2)
	if f.Model != "org/new" || !reflect.DeepEqual(f.Stats, r.Stats()) {
		t.Errorf("model %q, stats\n%v, want\n%v", f.Model, f.Stats, r.Stats())
	}
	for i, g := range f.groups {
		want := *r.Groups[i]
		want.Alias, want.Version = want.displayName(), "" // as the file has them
		if !reflect.DeepEqual(*g, want) {
			t.Errorf("group %+v, want %+v", *g, want)
		}
	}
	if got := f.docs["large"]; len(got) != 7 || got[0].hash != r.Tasks[2].Samples[0].Hashes().Doc || got[1].values["acc"] != 0 {
		t.Errorf("documents %v", got)
	}
	if s := f.Summary(); !strings.Contains(s, "acc (mean of tasks)") || !strings.Contains(s, "preset lm-eval") {
		t.Errorf("summary:\n%s", s)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

// TestLoadRefuses names the file and what is wrong with it.
func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ results, samples, want string }{
		"nothing":     {"", "", "holds no results_*.json"},
		"no results":  {"{}", "", "it holds no results"},
		"no JSON":     {"{", "", "results_1.json"},
		"no samples":  {`{"results": {"x": {}}, "configs": {"x": {}}}`, "", "samples_x_1.jsonl"},
		"empty":       {`{"results": {"x": {}}, "configs": {"x": {}}}`, "\n", "it holds no samples"},
		"broken line": {`{"results": {"x": {}}, "configs": {"x": {}}}`, "{}\n{\n", "line 2"},
		"no number":   {`{"results": {"x": {}}, "configs": {"x": {}}}`, `{"metrics": ["acc"], "acc": "high"}`, `line 1: metric "acc" is high and no number`},
	} {
		dir := filepath.Join(t.TempDir(), "x[1]") // no pattern
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, content := range map[string]string{"results_1.json": c.results, "samples_x_1.jsonl": c.samples} {
			if content == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v lacks %q", name, err, c.want)
		}
	}
}
