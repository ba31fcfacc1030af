package multiplechoice

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// arcFolder is a data folder with ARC-Challenge made of the given rows.
func arcFolder(t *testing.T, test, train string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "allenai/ai2_arc/ARC-Challenge/test.jsonl"), test)
	write(t, filepath.Join(dir, "allenai/ai2_arc/ARC-Challenge/train.jsonl"), train)
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

const goodRow = `{"id": "1", "question": "Up?", "choices": {"text": ["yes", "no"], "label": ["A", "B"]}, "answerKey": "A"}` + "\n"

// TestHostileData wants an error that names the place for data that lm-eval too
// cannot evaluate.
func TestHostileData(t *testing.T) {
	for name, c := range map[string]struct{ row, want string }{
		"an answer key outside the choices": {strings.Replace(goodRow, `"answerKey": "A"`, `"answerKey": "E"`, 1), `document 0: doc_to_target: template "{{choices.label.index(answerKey)}}": line 1: ValueError: 'E' is not in list`},
		"no choices":                        {strings.Replace(goodRow, `["yes", "no"]`, `[]`, 1), "document 0: doc_to_choice: it gives no list of choices"},
		"a choice that is no text":          {strings.Replace(goodRow, `"no"`, `7`, 1), "document 0: doc_to_choice: choice 1 is 7 and no text"},
		"a missing field":                   {strings.Replace(goodRow, `"question"`, `"quest"`, 1), `'question' is undefined; the document has: id, quest, choices, answerKey`},
		"a question that is no text":        {strings.Replace(goodRow, `"choices": {"text"`, `"choices": {"texts"`, 1), `'dict object' has no attribute 'text'; the document has: id, question, choices, answerKey`},
		"broken JSON":                       {goodRow + "{\n", "line 2: unexpected EOF"},
		"no object":                         {"3\n", "line 1 is no object"},
		"two values on a line":              {`{} {}` + "\n", "line 1: text after the JSON value"},
		"nothing":                           {"\n", "it holds no documents"},
		"nesting without end":               {strings.Repeat("[", 100000), "nested more than 10000 deep"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, core.Options{"tasks": []string{"arc_challenge"}, "data": arcFolder(t, c.row, goodRow)}, c.want)
		})
	}
	t.Run("too few shots", func(t *testing.T) {
		wantError(t, core.Options{"tasks": []string{"arc_challenge"}, "num_fewshot": 2, "data": arcFolder(t, goodRow, goodRow)}, "shots of document 0: cannot draw 2 of 1")
	})
	t.Run("a shot without an answer", func(t *testing.T) {
		train := strings.Replace(goodRow, `"answerKey": "A"`, `"answerKey": "C"`, 1)
		wantError(t, core.Options{"tasks": []string{"arc_challenge"}, "num_fewshot": 1, "data": arcFolder(t, goodRow, train)}, "document 0: shot 0: doc_to_target")
	})
	t.Run("a limit that leaves nothing", func(t *testing.T) {
		wantError(t, core.Options{"tasks": []string{"arc_challenge"}, "preset": "leaderboard", "num_fewshot": 0, "limit": 0.5, "data": arcFolder(t, goodRow, goodRow)}, "limit 0.5 leaves none of its 1 documents")
	})
	t.Run("no data", func(t *testing.T) {
		wantError(t, core.Options{"tasks": []string{"arc_challenge", "piqa"}, "data": t.TempDir()},
			`task "piqa": no data of split "validation"`, `task "arc_challenge": no data of split "test"`, "https://huggingface.co/datasets/allenai/ai2_arc")
	})
}

// wantError evaluates and wants an error that holds every part.
func wantError(t *testing.T, o core.Options, parts ...string) {
	t.Helper()
	e, err := New(o)
	if err == nil {
		_, err = e.Evaluate(t.Context(), checksumScorer(), "")
	}
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

// TestAnswerOutsideChoices follows lm-eval: such a document counts as wrong, and
// the user is told.
func TestAnswerOutsideChoices(t *testing.T) {
	var notes notebook
	e, err := New(core.Options{"tasks": []string{"mmlu_sociology"}, "data": "testdata/bench"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Evaluate(core.WithReporter(t.Context(), &notes), checksumScorer(), ""); err != nil {
		t.Fatal(err)
	}
	if !notes.has("in 1 of 7 documents the answer is none of the choices") {
		t.Errorf("notes: %q", notes)
	}
}

// notebook keeps what it is told.
type notebook []string

func (n *notebook) Progress(string, int, int) {}
func (n *notebook) Note(text string)          { *n = append(*n, text) }

func (n *notebook) has(part string) bool {
	for _, line := range *n {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}

// TestDuplicateAndEmptyChoices: the first of equal choices wins, and an empty one
// is never the best by length.
func TestDuplicateAndEmptyChoices(t *testing.T) {
	q := &question{choices: []string{"same", "same", ""}, gold: 0}
	values, err := judgeChoice(q, []float64{-4, -4, -1})
	if err != nil {
		t.Fatal(err)
	}
	if values["acc"] != 0 || values["acc_norm"] != 1 || values["acc_bytes"] != 1 {
		t.Errorf("values %v", values)
	}
}

// TestUnderflow: where every probability is 0 in float64, mc2 is still a number.
func TestUnderflow(t *testing.T) {
	labels := []bool{true, false}
	if mass, err := firstMass(labels, []float64{-2000, -2000 - math.Ln2}); err != nil || math.Abs(mass-2.0/3) > 1e-12 {
		t.Errorf("mass %v, %v, want 2/3", mass, err)
	}
}

// TestLabels wants one for each choice.
func TestLabels(t *testing.T) {
	if _, err := firstMass([]bool{true, true, false}, []float64{-1}); err == nil || !strings.Contains(err.Error(), "3 labels for 1 choices") {
		t.Errorf("error %v", err)
	}
}

// TestTruncation is reported, or refused where the user asks for that.
func TestTruncation(t *testing.T) {
	options := core.Options{"tasks": []string{"piqa"}, "data": "testdata/bench", "max_length": 5, "fail_on_truncation": true}
	e, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	var notes notebook
	s := checksumScorer()
	s.truncate = 1
	if _, err := e.Evaluate(core.WithReporter(t.Context(), &notes), s, ""); err != nil {
		t.Fatal(err)
	}
	if !s.rules.NoTruncation || s.rules.MaxLength != 5 {
		t.Errorf("rules %+v", s.rules)
	}
	if !notes.has("6 of 12 prompts do not fit") {
		t.Errorf("notes: %q", notes)
	}
}

func TestCSV(t *testing.T) {
	text := "\ufeffquestion,a\n\"one, \"\"two\"\"\nthree\", x \n"
	docs, err := readCSV([]byte(strings.TrimPrefix(text, "\ufeff")), File{})
	if err != nil {
		t.Fatal(err)
	}
	question, _ := docs[0].Get("question")
	a, _ := docs[0].Get("a")
	if len(docs) != 1 || question != "one, \"two\"\nthree" || a != " x " {
		t.Errorf("documents %q", docs)
	}
	if _, err := readCSV([]byte("a,b\n1,2,3\n"), File{Columns: []string{"a", "b"}}); err == nil {
		t.Error("a row with too many fields was accepted")
	}
}

// TestBadOptions wants all faults at once.
func TestBadOptions(t *testing.T) {
	_, err := New(core.Options{"preset": "latest", "limit": 1.5, "num_fewshot": -1, "max_length": -3, "fewshot_as_multiturn": true, "add_bos": "maybe"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"tasks", `"latest"`, "1.5", "num_fewshot", "max_length", "fewshot_as_multiturn", "maybe"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
	if _, err := New(core.Options{"tasks": []string{"arc"}}); err == nil || !strings.Contains(err.Error(), "arc_challenge") {
		t.Errorf("an unknown task: %v", err)
	}
	if _, err := TaskNames("latest", ""); err == nil || !strings.Contains(err.Error(), `"latest" is neither "lm-eval" nor "leaderboard"`) {
		t.Errorf("tasks of an unknown preset: %v", err)
	}
	if _, err := New(core.Options{"task": "piqa"}); err == nil || !strings.Contains(err.Error(), "options are: tasks") {
		t.Errorf("an unknown option: %v", err)
	}
}

// TestBadDefinitions wants every fault of a user's file named.
func TestBadDefinitions(t *testing.T) {
	for name, c := range map[string]struct{ toml, want string }{
		"unknown key":       {"task = \"x\"\ndoc_to_txt = \"q\"\n", "unknown keys: doc_to_txt"},
		"unknown inner key": {"task = \"x\"\n[leaderboard]\nversionn = 1\n", "unknown keys: leaderboard.versionn"},
		"nothing given":     {"task = \"x\"\n", "doc_to_text is missing"},
		"unknown metric":    {"task = \"x\"\nmetrics = [\"f1\"]\n", `metric "f1" is not known; there are: acc, acc_norm, acc_bytes`},
		"no TOML":           {"task = \n", "x.toml"},
		"lost member":       {"group = \"g\"\ntasks = [\"nowhere\"]\n", `group "g": no task or group "nowhere"`},
		"circle":            {"group = \"g\"\ntasks = [\"g\"]\n", `group "g" contains itself`},
		"include of itself": {"include = \"x.toml\"\n", "files include each other"},
		"broken template":   {"task = \"x\"\ndescription = \"{{a\"\n", `description: template "{{a": line 1: TemplateSyntaxError: unexpected end of template`},
		"broken choice":     {"task = \"x\"\ndoc_to_choice = \"{{a.b(}}\"\n", "doc_to_choice: template"},
		"broken field":      {"task = \"x\"\nadd_fields = [\"a = b +\"]\n", "add_fields: expression"},
		"broken row":        {"task = \"x\"\n[[files]]\npath = \"f\"\nrow = [\"a\"]\n", `files "f": row: field "a" is not of the form name = expression`},
		"lost setting":      {"group = \"g\"\ntasks = [\"piqa\"]\n[set.piga]\nnum_fewshot = 1\n", `group "g": set.piga: "piga" is none of its tasks, which are: piqa`},
		"lost aggregate":    {"group = \"g\"\ntasks = [\"piqa\"]\naggregate = [{ metric = \"accnorm\" }]\n", `group "g": aggregate: none of its tasks has the metric "accnorm"`},
		"lost mean":         {"group = \"g\"\ntasks = [\"piqa\"]\nmean_of = [\"piqa/accnorm\"]\n", `mean_of "piqa/accnorm": "piqa" has not the metric "accnorm" but: acc, acc_norm`},
		"mean of another":   {"group = \"g\"\ntasks = [\"mmlu\"]\nmean_of = [\"piqa/acc\"]\n", `mean_of "piqa/acc": "piqa" is none of its tasks and groups`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "x.toml"), c.toml)
			_, err := New(core.Options{"tasks": []string{"piqa", "g"}, "task_dir": dir})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v lacks %q", err, c.want)
			}
		})
	}
}

// TestDefinedTwice refuses a name that two files of a folder define.
func TestDefinedTwice(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.toml"), "group = \"piqa\"\ntasks = [\"boolq\"]\n")
	if c, err := loadCatalog(LMEval, dir); err != nil || c.tasks["piqa"] != nil || c.groups["piqa"] == nil {
		t.Errorf("the built-in task stands beside the user's group, %v", err)
	}
	write(t, filepath.Join(dir, "b.toml"), "group = \"piqa\"\ntasks = [\"boolq\"]\n")
	if _, err := loadCatalog(LMEval, dir); err == nil || !strings.Contains(err.Error(), `b.toml: "piqa" is already defined by a.toml`) {
		t.Errorf("error %v", err)
	}
}

// TestNotFinite: what a model without finite numbers leaves can be read again.
func TestNotFinite(t *testing.T) {
	e, err := New(core.Options{"tasks": []string{"h4"}, "data": "testdata/bench", "skip_missing": true, "num_fewshot": 0})
	if err != nil {
		t.Fatal(err)
	}
	s := checksumScorer()
	s.answer = func(string, string) answer { return answer{ll: math.NaN()} }
	dir := t.TempDir()
	metrics, err := e.Evaluate(t.Context(), s, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"truthfulqa_mc2", "h4"} {
		if !slices.ContainsFunc(metrics, func(m core.Metric) bool { return m.Task == name && math.IsNaN(m.Value) }) {
			t.Errorf("no NaN of %s in %+v", name, metrics)
		}
	}
	f, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := results.Compare([]*results.File{f, f})
	if err != nil || !math.IsNaN(f.Stats["h4"]["h4"].Value) {
		t.Fatalf("h4 is %v, %v", f.Stats["h4"]["h4"], err)
	}
	if err := c.WritePlot(filepath.Join(dir, "plot.svg")); err != nil {
		t.Error(err)
	}
}

// TestSystemRefused: where the template refuses a system message, the questions
// are asked without it.
func TestSystemRefused(t *testing.T) {
	s := checksumScorer()
	s.render = func(m []core.Message) (string, error) {
		if m[0].Role == "system" {
			return "", os.ErrInvalid
		}
		return tagged(m)
	}
	var notes notebook
	e, err := New(core.Options{"tasks": []string{"mmlu_sociology"}, "data": "testdata/bench", "apply_chat_template": true, "system_instruction": "Hm."})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Evaluate(core.WithReporter(t.Context(), &notes), s, ""); err != nil {
		t.Fatal(err)
	}
	if s.texts[0].Messages[0].Role != "user" || !notes.has("without the system message") {
		t.Errorf("asked %v, told %q", s.texts[0].Messages, notes)
	}
}

// TestCancelled stops before the model is asked.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e, err := New(core.Options{"tasks": []string{"piqa"}, "data": "testdata/bench"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Evaluate(ctx, checksumScorer(), ""); err != context.Canceled {
		t.Errorf("error %v", err)
	}
}
