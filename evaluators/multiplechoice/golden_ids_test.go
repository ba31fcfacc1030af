package multiplechoice

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/core/scorer"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// storedModel is SmolLM2 as far as lm-eval stored it: the log-likelihoods of the
// sequences of ids that it was asked for.
type storedModel struct {
	core.Model
	known   map[string]answer // by hash of ids
	unknown int
}

func (m *storedModel) LogProbs(_ context.Context, items []core.Item, _ core.Detail) ([][]core.Score, error) {
	scores := make([][]core.Score, len(items))
	for i, item := range items {
		for _, c := range item.Completions {
			a, ok := m.known[idsSHA(slices.Concat(item.Prompt, c))]
			if !ok {
				m.unknown++
			}
			scores[i] = append(scores[i], core.Score{LogProb: a.ll, Greedy: a.greedy, Tokens: len(c)})
		}
	}
	return scores, nil
}

// idsSHA is the hash that requests.jsonl.gz has of a request's ids.
func idsSHA(ids []int32) string {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	return sha256Hex(strings.ReplaceAll(py.DumpJSON(list, py.Format{}), " ", ""))
}

// TestRequestIDs takes every stored request of lm-eval's runs on SmolLM2 from the
// data to token ids by way of the host's own scorer. Those of the run _trunc512
// are stored as they were before its window of 512 cut them.
func TestRequestIDs(t *testing.T) {
	shared, dir := testenv.Shared(t), testenv.SmolLM2(t)
	text, err := scorer.LoadCodec(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := text.Describe(dir, "S", "stored", "float32")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range goldenRuns(t, shared) {
		t.Run(g.name+"/"+g.task, func(t *testing.T) {
			o := core.Options{"data": goldenData(t, shared, g.name), "tasks": []string{g.task}, "limit": g.limit(), "num_fewshot": g.shots}
			if strings.HasSuffix(g.name, "_bos") {
				o["add_bos"] = "always"
			}
			m := &storedModel{known: map[string]answer{}}
			for _, r := range g.requests {
				m.known[r.IDs] = answer{r.LL, r.Greedy}
			}
			e, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			runs, err := e.(*Evaluator).prepare(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.(*Evaluator).score(t.Context(), scorer.New(m, text, info, nil), runs); err != nil {
				t.Fatal(err)
			}
			checkScores(t, g, runs[0], m.unknown)
		})
	}
}

// checkScores wants every stored request found by its ids.
func checkScores(t *testing.T, g *goldenRun, r *run, unknown int) {
	t.Helper()
	stored := 0
	for _, want := range g.docs {
		got := r.samples[want.DocID]
		stored += len(want.LLs)
		if !slices.Equal(got.lls, want.LLs) {
			t.Errorf("document %d: log-likelihoods %v, want %v", want.DocID, got.lls, want.LLs)
		}
	}
	asked := 0
	for _, s := range r.samples {
		asked += len(s.lls)
	}
	if unknown != asked-stored {
		t.Errorf("%d requests have other ids than lm-eval's", unknown-(asked-stored))
	}
}
