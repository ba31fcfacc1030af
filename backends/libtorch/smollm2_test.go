//go:build libtorch

package libtorch

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// pairScore is a line of the shared data's scores: a preference pair's ids and its
// log-probabilities in float64.
type pairScore struct {
	Prompt     []int32 `json:"prompt_ids"`
	Chosen     []int32 `json:"chosen_ids"`
	Rejected   []int32 `json:"rejected_ids"`
	ChosenLogP float64 `json:"chosen_logp_f64"`
	RejectLogP float64 `json:"rejected_logp_f64"`
}

func (p pairScore) item() core.Item {
	return core.Item{Prompt: p.Prompt, Completions: [][]int32{p.Chosen, p.Rejected}}
}

// unzip hands a file's uncompressed content to read.
func unzip(t testing.TB, path string, read func(io.Reader) error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := read(z); err != nil {
		t.Fatal(err)
	}
}

func readPairScores(t testing.TB) (pairs []pairScore) {
	t.Helper()
	unzip(t, filepath.Join(testenv.Shared(t), "golden", "smollm2", "scores.jsonl.gz"), func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var p pairScore
			if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
				return err
			}
			pairs = append(pairs, p)
		}
		return lines.Err()
	})
	return pairs
}

// TestSmolLM2Scores compares real pairs with the float64 truth.
func TestSmolLM2Scores(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute")
	}
	dir := testenv.SmolLM2(t)
	pairs := readPairScores(t)
	m := open(t, dir, core.OpenOptions{})
	items := make([]core.Item, len(pairs))
	for i, p := range pairs {
		items[i] = p.item()
	}
	scores, err := m.LogProbs(background, items, core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, p := range pairs {
		for j, want := range []float64{p.ChosenLogP, p.RejectLogP} {
			s := scores[i][j]
			off := math.Abs(s.LogProb-want) / (5e-4 + 5e-6*float64(s.Tokens))
			worst = max(worst, off)
			if !(off <= 1) {
				t.Errorf("pair %d, completion %d: %v, want %v", i, j, s.LogProb, want)
			}
		}
	}
	t.Logf("%d pairs: at most %.2f of the tolerance", len(pairs), worst)
}
