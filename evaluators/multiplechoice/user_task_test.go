package multiplechoice

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// TestListsReplace: a list that a file or its table [leaderboard] sets keeps
// nothing of the one before.
func TestListsReplace(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "base.toml"), `
task = "base"
test_split = "test"
doc_to_text = "q"
doc_to_choice = "c"
doc_to_target = "a"
metrics = ["acc"]
[[files]]
path = "base.csv"
split = "test"
columns = ["x"]
header = false
row = ["q = x"]
`)
	write(t, filepath.Join(dir, "mine.toml"), "include = \"base.toml\"\ntask = \"mine\"\n[[files]]\npath = \"mine.csv\"\n[[leaderboard.files]]\nsplit = \"dev\"\n")
	write(t, filepath.Join(dir, "g.toml"), "group = \"g\"\ntasks = [\"mine\"]\naggregate = [{ metric = \"acc\", weight_by_size = true }]\n[leaderboard]\naggregate = [{ metric = \"acc\" }]\n")
	for preset, want := range map[Preset]File{LMEval: {Path: "mine.csv"}, Leaderboard: {Split: "dev"}} {
		c, err := loadCatalog(preset, dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.tasks["mine"].Files; !reflect.DeepEqual(got, []File{want}) {
			t.Errorf("%s: files %+v, want %+v", preset, got, want)
		}
		if got := c.groups["g"].Aggregate; len(got) != 1 || got[0].WeightBySize != (preset == LMEval) {
			t.Errorf("%s: aggregate %+v", preset, got)
		}
	}
}

// TestOwnTask evaluates the task of the package's documentation.
func TestOwnTask(t *testing.T) {
	tasks, data := t.TempDir(), t.TempDir()
	write(t, filepath.Join(tasks, "capitals.toml"), `
task = "capitals"
test_split = "test"
doc_to_text = "Question: What is the capital of {{country}}?\nAnswer:"
doc_to_choice = "{{cities}}"
doc_to_target = "{{cities.index(capital)}}"
metrics = ["acc", "acc_norm"]
version = 1.0

[[files]]
path = "capitals/{split}.jsonl"
`)
	write(t, filepath.Join(data, "capitals", "test.jsonl"), `{"country": "Peru", "cities": ["Quito", "Lima"], "capital": "Lima"}
{"country": "Mali", "cities": ["Bamako", "Ségou!"], "capital": "Bamako"}
`)
	e, err := New(core.Options{"tasks": []string{"capitals"}, "task_dir": tasks, "data": data})
	if err != nil {
		t.Fatal(err)
	}
	s := checksumScorer()
	s.answer = func(prompt, completion string) answer {
		return answer{ll: map[string]float64{" Quito": -3, " Lima": -2.5, " Bamako": -6, " Ségou!": -5.5}[completion]}
	}
	metrics, err := e.Evaluate(t.Context(), s, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.texts[0].Prompt, "Question: What is the capital of Peru?\nAnswer:"; got != want {
		t.Errorf("prompt %q, want %q", got, want)
	}
	// By length Lima loses: -2.5/4 against -3/5. So does Bamako: the é counts once.
	for i, want := range []core.Metric{{Task: "capitals", Name: "acc", Value: 0.5, N: 2}, {Task: "capitals", Name: "acc_norm", Value: 0, N: 2}} {
		if got := metrics[i]; got.Task != want.Task || got.Name != want.Name || got.Value != want.Value || got.N != want.N {
			t.Errorf("metric %+v, want %+v", got, want)
		}
	}
}
