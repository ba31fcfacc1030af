package multiplechoice

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// answer is what a fakeScorer says of a completion after a prompt.
type answer struct {
	ll     float64
	greedy bool
}

// fakeScorer stands for a host and its model: it renders conversations with
// render and asks answer for every completion, in order.
type fakeScorer struct {
	info   core.ModelInfo
	render func([]core.Message) (string, error)
	answer func(prompt, completion string) answer

	texts    []core.Text
	encoded  []core.Encoded
	rules    core.EncodeRules
	truncate int
	given    []float64 // every log-likelihood answered
}

func (f *fakeScorer) Info(context.Context) (core.ModelInfo, error) { return f.info, nil }

func (f *fakeScorer) Encode(_ context.Context, texts []core.Text, r core.EncodeRules) ([]core.Encoded, error) {
	f.texts, f.rules, f.encoded = texts, r, nil
	for i, t := range texts {
		e := core.Encoded{Prompt: t.Prompt, Truncated: f.truncate}
		if t.Messages != nil {
			var err error
			if e.Prompt, err = f.render(t.Messages); err != nil {
				return nil, err
			}
		}
		item := core.Item{Prompt: []int32{int32(i)}}
		for j := range t.Completions {
			item.Completions = append(item.Completions, []int32{int32(j)})
		}
		e.Items = []core.Item{item}
		f.encoded = append(f.encoded, e)
	}
	return f.encoded, nil
}

func (f *fakeScorer) LogProbs(_ context.Context, items []core.Item, _ core.Detail) ([][]core.Score, error) {
	scores := make([][]core.Score, len(items))
	for i := range items {
		for _, c := range f.texts[i].Completions {
			a := f.answer(f.encoded[i].Prompt, c)
			f.given = append(f.given, a.ll)
			scores[i] = append(scores[i], core.Score{LogProb: a.ll, Greedy: a.greedy, Tokens: 1})
		}
	}
	return scores, nil
}

// zeros answers 0 to everything.
func zeros(string, string) answer { return answer{} }

// evaluated runs the evaluator up to its samples, with the scorer's answers as
// they are: those of the pseudo-models that made some goldens are no float32.
func evaluated(t *testing.T, o core.Options, s *fakeScorer) ([]*run, *results.Run) {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ev := e.(*Evaluator)
	ctx := t.Context()
	runs, err := ev.prepare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := ev.score(ctx, s, runs)
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	for _, r := range runs {
		for _, smp := range r.samples {
			next += copy(smp.lls, s.given[next:])
		}
	}
	if err := judge(ctx, runs); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return runs, ev.results(info, runs, rep)
}

// written is the results file of a run.
func written(t *testing.T, r *results.Run) py.Object {
	t.Helper()
	dir := t.TempDir()
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	return resultsFile(t, dir)
}

// resultsFile is the one results file in a folder.
func resultsFile(t *testing.T, dir string) py.Object {
	t.Helper()
	paths, err := globIn(dir, "results_*.json")
	if err != nil || len(paths) != 1 {
		t.Fatalf("%d results files: %v", len(paths), err)
	}
	v, err := py.ParseJSON([]byte(contents(t, paths[0])))
	if err != nil {
		t.Fatal(err)
	}
	return v.(py.Object)
}

func hashesOf(s *sample) results.Hashes {
	r := s.result()
	return r.Hashes()
}

func sha256Hex(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// eachLine decodes a file of JSON lines, with .gz or without.
func eachLine[T any](t *testing.T, path string, do func(T)) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(data)
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		do(v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// place makes a data folder that has files of another under other names.
func place(t *testing.T, from string, links map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for to, source := range links {
		path := filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(from, source), path); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
