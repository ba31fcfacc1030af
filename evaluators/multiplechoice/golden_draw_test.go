package multiplechoice

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// drawGolden is a few-shot draw of lm-eval's over numbered documents.
type drawGolden struct {
	Docs    int     `json:"n_docs"`
	Pool    int     `json:"n_pool"`
	K       int     `json:"k"`
	Drawn   int     `json:"drawn"`
	Seed    int64   `json:"seed"`
	First30 [][]int `json:"first30"`
	SHA     string  `json:"sha256_all"`
	Order   []int   `json:"order_first50"`
	OrderID string  `json:"order_sha256"`
}

func TestFewshotDraws(t *testing.T) {
	var golden struct{ Head, LB map[string]drawGolden }
	readJSON(t, filepath.Join(testenv.Shared(t), "golden", "lm-eval-0.4.13", "fewshot_draws.json"), &golden)
	for name, g := range golden.Head {
		d := &Definition{Task: name, TrainingSplit: "train", FewshotSplit: "train", TestSplit: "test", NumFewshot: &g.K}
		if g.Drawn > g.K {
			d.FewshotSplit, d.TestSplit = "", ""
		}
		t.Run("head/"+name, func(t *testing.T) { checkDraw(t, LMEval, d, g) })
	}
	for name, g := range golden.LB {
		d := &Definition{Task: name, TrainingSplit: "train", NumFewshot: &g.K}
		t.Run("lb/"+name, func(t *testing.T) { checkDraw(t, Leaderboard, d, g) })
	}
}

func checkDraw(t *testing.T, p Preset, d *Definition, g drawGolden) {
	out, err := draw(p, d, numbered("doc", g.Docs), numbered("pool", g.Pool), 0, g.Seed)
	if err != nil {
		t.Fatal(err)
	}
	var order []any
	all := []any{}
	for i := range out.docs {
		order = append(order, number(out.docs[i]))
		if g.K == 0 {
			continue
		}
		var shots []any
		for _, s := range out.shots[i] {
			shots = append(shots, number(s))
		}
		all = append(all, shots)
	}
	for i, want := range g.First30 {
		if got := fmt.Sprint(all[i]); got != fmt.Sprint(want) {
			t.Fatalf("shots of document %d: %v, want %v", i, got, want)
		}
	}
	if got := compactSHA(all); got != g.SHA {
		t.Errorf("hash of all draws %s, want %s", got, g.SHA)
	}
	if g.OrderID != "" && compactSHA(order) != g.OrderID {
		t.Errorf("order of documents begins %v, want %v", order[:10], g.Order[:10])
	}
}

func numbered(kind string, n int) []py.Object {
	docs := make([]py.Object, n)
	for i := range docs {
		docs[i] = py.Object{{Key: kind, Value: int64(i)}}
	}
	return docs
}

func number(doc py.Object) any { return doc[0].Value }

// compactSHA is the sha256 of json.dumps(v, separators=(",", ":")).
func compactSHA(v []any) string {
	text := []byte{}
	for _, c := range []byte(py.DumpJSON(v, py.Format{})) {
		if c != ' ' {
			text = append(text, c)
		}
	}
	return sha256Hex(string(text))
}

// TestHellaSwagPreprocessing compares the cleaned texts of 300 hard cases.
func TestHellaSwagPreprocessing(t *testing.T) {
	path := filepath.Join(testenv.Shared(t), "golden", "lm-eval-0.4.13", "hellaswag_preprocess.jsonl")
	for _, p := range []Preset{LMEval, Leaderboard} {
		c, err := loadCatalog(p, "")
		if err != nil {
			t.Fatal(err)
		}
		docs, err := newLibrary(filepath.Dir(path)).split(t.Context(), withFile(*c.tasks["hellaswag"], filepath.Base(path)), "validation")
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		eachLine(t, path, func(want struct {
			Query   string `json:"expect_query"`
			Choices []any  `json:"expect_choices"`
			Len     []int  `json:"expect_len"`
		}) {
			query, _ := docs[i].Get("query")
			choices, _ := docs[i].Get("choices")
			if query != want.Query {
				t.Errorf("case %d: query %q, want %q", i, query, want.Query)
			}
			if !reflect.DeepEqual(choices, want.Choices) {
				t.Errorf("case %d: choices %q, want %q", i, choices, want.Choices)
			}
			i++
		})
		if i != 300 || len(docs) != i {
			t.Errorf("%d cases", i)
		}
	}
}

// nearly allows the last bits, in which NumPy's exp differs between processors.
func nearly(got, want float64) bool { return math.Abs(got-want) <= 4e-16*math.Abs(want) }

// withFile returns the definition with its data in one file.
func withFile(d Definition, name string) *Definition {
	d.Files = []File{{Path: name}}
	return &d
}

// TestDocumentHashes compares the documents, prompts, targets and metrics of
// lm-eval's runs of a real model, with its log-likelihoods as the answers.
func TestDocumentHashes(t *testing.T) {
	shared := testenv.Shared(t)
	runs := goldenRuns(t, shared)
	checked := 0
	for _, g := range runs {
		t.Run(g.name+"/"+g.task, func(t *testing.T) {
			o := core.Options{"data": goldenData(t, shared, g.name), "tasks": []string{g.task}, "limit": g.limit(), "num_fewshot": g.shots}
			s := &fakeScorer{answer: g.answer(t)}
			got, _ := evaluated(t, o, s)
			for _, want := range g.docs {
				checked++
				smp := got[0].samples[want.DocID]
				if h := hashesOf(smp); h != (results.Hashes{Doc: want.DocHash, Prompt: want.PromptHash, Target: want.TargetHash}) {
					t.Errorf("document %d: hashes %v, want %v", want.DocID, h, want.DocHash)
				}
				for m, v := range want.Metrics {
					if !nearly(smp.values[m], v) {
						t.Errorf("document %d: %s = %v, want %v", want.DocID, m, smp.values[m], v)
					}
				}
			}
		})
	}
	if checked != 257 {
		t.Errorf("%d documents checked, want 257", checked)
	}
}
