package backendtest

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

// A Pair is a preference pair's ids and its log-probabilities under
// SmolLM2-135M-Instruct in float64.
type Pair struct {
	Prompt          []int32 `json:"prompt_ids"`
	Chosen          []int32 `json:"chosen_ids"`
	Rejected        []int32 `json:"rejected_ids"`
	ChosenLogProb   float64 `json:"chosen_logp_f64"`
	RejectedLogProb float64 `json:"rejected_logp_f64"`
}

// Item returns the pair's ids with the completions chosen, rejected.
func (p Pair) Item() core.Item {
	return core.Item{Prompt: p.Prompt, Completions: [][]int32{p.Chosen, p.Rejected}}
}

// ReadPairs reads real pairs from a file of gzipped JSON lines; empty = the shared
// data's.
func ReadPairs(t testing.TB, path string) (pairs []Pair) {
	t.Helper()
	if path == "" {
		path = filepath.Join(testenv.Shared(t), "golden", "smollm2", "scores.jsonl.gz")
	}
	unzip(t, path, func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var p Pair
			if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
				return err
			}
			pairs = append(pairs, p)
		}
		return lines.Err()
	})
	return pairs
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
	if err == nil {
		err = read(z)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// CheckSmolLM2 compares SmolLM2's log-probabilities of real pairs with the float64
// truth: to 5e-4 and 5e-6 a token.
func CheckSmolLM2(t *testing.T, b core.Backend, o core.OpenOptions) {
	if testing.Short() {
		t.Skip("a minute")
	}
	dir := testenv.SmolLM2(t)
	pairs := ReadPairs(t, "")
	m := open(t, b, dir, o)
	items := make([]core.Item, len(pairs))
	for i, p := range pairs {
		items[i] = p.Item()
	}
	scores, err := m.LogProbs(t.Context(), items, core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, p := range pairs {
		for j, want := range []float64{p.ChosenLogProb, p.RejectedLogProb} {
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

func open(t *testing.T, b core.Backend, dir string, o core.OpenOptions) core.Model {
	t.Helper()
	m, err := b.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}
