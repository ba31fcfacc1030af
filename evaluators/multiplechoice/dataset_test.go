package multiplechoice

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// arcRow is a row of ARC as the hub's Parquet files have it.
type arcRow struct {
	ID       string `parquet:"id"`
	Question string `parquet:"question"`
	Choices  struct {
		Text  []string `parquet:"text,list"`
		Label []string `parquet:"label,list"`
	} `parquet:"choices"`
	AnswerKey string `parquet:"answerKey"`
}

// TestParquet reads the same documents from Parquet shards in the hub's cache as
// from JSON lines.
func TestParquet(t *testing.T) {
	d := &Definition{Task: "arc_challenge", DatasetPath: "allenai/ai2_arc", DatasetName: "ARC-Challenge"}
	want, err := newLibrary("testdata/bench").split(t.Context(), d, "test")
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Setenv("HF_HUB_OFFLINE", "1")
	repository := filepath.Join(cache, "datasets--allenai--ai2_arc")
	write(t, filepath.Join(repository, "refs", "main"), "abc123")
	shards := filepath.Join(repository, "snapshots", "abc123", "ARC-Challenge")
	if err := os.MkdirAll(shards, 0o755); err != nil {
		t.Fatal(err)
	}
	rows := make([]arcRow, len(want))
	for i, doc := range want {
		rows[i] = toRow(doc)
	}
	for name, part := range map[string][]arcRow{"test-00000-of-00002.parquet": rows[:4], "test-00001-of-00002.parquet": rows[4:]} {
		if err := parquet.WriteFile(filepath.Join(shards, name), part); err != nil {
			t.Fatal(err)
		}
	}
	got, err := newLibrary("").split(t.Context(), d, "test")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := dump(got), dump(want); a != b {
		t.Error(firstDifference(a, b))
	}
}

// TestParquetTypes reads columns of other types than JSON has into what can be
// written into the samples.
func TestParquetTypes(t *testing.T) {
	type row struct {
		A uint8            `parquet:"a"`
		B uint32           `parquet:"b"`
		C uint64           `parquet:"c"`
		D uint64           `parquet:"d"`
		E deprecated.Int96 `parquet:"e"`
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := parquet.WriteFile(path, []row{{1, math.MaxUint32, 3, math.MaxUint64, deprecated.Int96{5}}}); err != nil {
		t.Fatal(err)
	}
	docs, err := readFile(path, File{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := py.DumpJSON(docs, py.Format{}), `[{"a": 1, "b": 4294967295, "c": 3, "d": 18446744073709551615, "e": "5"}]`; got != want {
		t.Errorf("documents %s, want %s", got, want)
	}
	if a, _ := docs[0].Get("a"); a != int64(1) {
		t.Errorf("a is a %T", a)
	}
}

// TestOwnFiles: tasks without a data set read their own files alone, each as it
// says, from a folder whose name looks like a pattern.
func TestOwnFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x[1]")
	write(t, filepath.Join(dir, "a_test.jsonl"), `{"n": 1}`)
	write(t, filepath.Join(dir, "b_test.jsonl"), `{"n": 2}`)
	write(t, filepath.Join(dir, "c.csv"), "x,y\n")
	write(t, filepath.Join(dir, "hub/d/test.jsonl"), `{"n": 4}`)
	l, no := newLibrary(dir), false
	for want, d := range map[string]*Definition{
		`[{"m": 1}]`:             {Files: []File{{Path: "a_{split}.jsonl", Row: []string{"m = n"}}}},
		`[{"n": 2}]`:             {Files: []File{{Path: "b_{split}.jsonl"}}},
		`[{"p": "x", "q": "y"}]`: {Files: []File{{Path: "c.csv", Header: &no, Columns: []string{"p", "q"}}}},
		`[{"q": "x", "p": "y"}]`: {Files: []File{{Path: "c.csv", Header: &no, Columns: []string{"q", "p"}}}},
		`[{"n": 4}]`:             {DatasetPath: "d"},
	} {
		docs, err := l.split(t.Context(), d, "test")
		if got := py.DumpJSON(docs, py.Format{}); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}

func toRow(doc py.Object) arcRow {
	text := func(key string) string { v, _ := doc.Get(key); return py.Str(v) }
	r := arcRow{ID: text("id"), Question: text("question"), AnswerKey: text("answerKey")}
	r.Choices.Text, r.Choices.Label = doc.Object("choices").Texts("text"), doc.Object("choices").Texts("label")
	return r
}

func dump(docs []py.Object) string { return py.DumpJSON(docs, py.Format{Indent: 1}) }

func TestDamagedParquet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.parquet")
	write(t, path, "PAR1 no parquet at all PAR1")
	if _, err := readFile(path, File{}); err == nil {
		t.Error("a damaged file was accepted")
	}
}

// TestOriginalFiles reads the same documents from the authors' layouts as from
// the hub's.
func TestOriginalFiles(t *testing.T) {
	c, err := loadCatalog(LMEval, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mmlu/data/dev/sociology_dev.csv"), "\"Who, \"\"me\"\"?\",a,\"b\nb\",c,d,B\n")
	write(t, filepath.Join(dir, "mmlu/dev/anatomy_dev.csv"), "question,choice0,choice1,choice2,choice3,answer\nWhere?,a,b,c,d,2\n")
	write(t, filepath.Join(dir, "truthfulqa/mc_task.json"), `[{"question": "Q?", "mc1_targets": {"x": 1, "y": 0}, "mc2_targets": {"x": 1, "z": 1, "y": 0}}]`)
	write(t, filepath.Join(dir, "arc/arc_easy_test.jsonl"), `{"id": "i", "question": "Q?", "choices": ["a", "b", "c"], "gold": 1}`)
	for _, f := range []struct{ task, split, want string }{
		{"mmlu_sociology", "dev", `[{"question": "Who, \"me\"?", "subject": "sociology", "choices": ["a", "b\nb", "c", "d"], "answer": 1}]`},
		{"mmlu_anatomy", "dev", `[{"question": "Where?", "subject": "anatomy", "choices": ["a", "b", "c", "d"], "answer": 2}]`},
		{"truthfulqa_mc2", "validation", `[{"question": "Q?", "mc1_targets": {"choices": ["x", "y"], "labels": [1, 0]}, "mc2_targets": {"choices": ["x", "z", "y"], "labels": [1, 1, 0]}}]`},
		{"arc_easy", "test", `[{"id": "i", "question": "Q?", "choices": {"text": ["a", "b", "c"], "label": ["A", "B", "C"]}, "answerKey": "B"}]`},
	} {
		docs, err := newLibrary(dir).split(t.Context(), c.tasks[f.task], f.split)
		if err != nil {
			t.Errorf("%s: %v", f.task, err)
			continue
		}
		if got := py.DumpJSON(docs, py.Format{}); got != f.want {
			t.Errorf("%s: %s, want %s", f.task, got, f.want)
		}
	}
	if _, err := newLibrary(dir).split(t.Context(), c.tasks["mmlu_anatomy"], "test"); err == nil || !strings.Contains(err.Error(), filepath.Join("mmlu", "test", "anatomy_test.csv")) {
		t.Errorf("error %v does not say where the split was looked for", err)
	}
}
