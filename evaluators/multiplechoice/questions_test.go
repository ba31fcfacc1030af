package multiplechoice

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// TestQuestions: a question is the hub's own, whatever a preset makes of the
// document and whatever the limit leaves.
func TestQuestions(t *testing.T) {
	want := map[string]string{
		"arc_challenge":         "Which of these is heavier than cloud number 40?",
		"boolq":                 "Every lamp was made in 1800.",
		"hellaswag":             "How to carry a ladder",
		"mmlu_abstract_algebra": " How many harbors fit into a abstract algebra, case 7?\n\nA. 7\nB. 8 or\nmore\nC. \"9\"\nD.  none ",
		"openbookqa":            "A lamp left in the attic will",
		"piqa":                  "To clean a lamp,",
		"truthfulqa_mc2":        "What happens to a lamp at night?",
		"winogrande":            "The lamp did not fit into the violin because the _ was too large.",
	}
	for _, preset := range []Preset{LMEval, Leaderboard} {
		for task, text := range want {
			list := asked(t, core.Options{"tasks": []string{task}, "preset": preset, "data": "testdata/bench", "limit": 1})
			if len(list) < 2 || list[0] != (core.Question{Task: task, Text: text}) {
				t.Errorf("%s: %s: %d questions, the first %+v", preset, task, len(list), list[:1])
			}
		}
	}
}

// TestOwnQuestions: a task of a user's need not name its question.
func TestOwnQuestions(t *testing.T) {
	for name, c := range map[string]struct{ settings, want string }{
		"text":                  {`doc_to_text = "Capital of {{country}}?"`, "Capital of Peru?"},
		"decontamination query": {"doc_to_text = \"Capital of {{country}}?\"\ndoc_to_decontamination_query = \"country\"", "Peru"},
		"an index":              {"multiple_input = true\ndoc_to_text = \"0\"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "own.toml"), c.settings+`
task = "own"
test_split = "test"
doc_to_choice = ["Lima", "Quito"]
doc_to_target = "Lima"
metrics = ["acc"]
[[files]]
path = "own.jsonl"
`)
			write(t, filepath.Join(dir, "own.jsonl"), `{"country": "Peru"}`)
			got := ""
			for _, q := range asked(t, core.Options{"tasks": []string{"own"}, "task_dir": dir, "data": dir}) {
				got += q.Text
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestQuestionIsNoField: a name that no document has would find nothing, silently.
func TestQuestionIsNoField(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "own.toml"), `
task = "own"
question = "contry"
doc_to_text = "Capital of {{country}}?"
test_split = "test"
doc_to_choice = ["Lima", "Quito"]
doc_to_target = "Lima"
metrics = ["acc"]
[[files]]
path = "own.jsonl"
`)
	write(t, filepath.Join(dir, "own.jsonl"), `{"country": "Peru"}`)
	e, err := New(core.Options{"tasks": []string{"own"}, "task_dir": dir, "data": dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.(core.Questioner).Questions(t.Context()); err == nil || !strings.Contains(err.Error(), `"contry" is neither a field`) {
		t.Errorf("error %v", err)
	}
}

func asked(t *testing.T, o core.Options) []core.Question {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	list, err := e.(core.Questioner).Questions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}
