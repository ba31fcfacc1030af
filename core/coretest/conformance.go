package coretest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// BackendOptions say how TestBackend opens models and how exact they are.
type BackendOptions struct {
	// Options are the backend's own.
	Options core.Options
	// LogProb is the largest error of a log-probability summed over a dozen
	// tokens, in nats. 0 = 1e-4, which suits float32.
	LogProb float64
	// Gradient is the largest relative error of a directional derivative and
	// of an optimizer's step. 0 = 1e-2, which suits float32.
	Gradient float64
}

// TestBackend checks b against the contracts of core.Backend and core.Model.
// path is a tiny model that b opens with dtype "float32": a Hugging Face folder
// whose config.json has vocab_size and whose one model.safetensors is F32. The
// model is opened a few dozen times and trained by a few steps; path is left as
// it is.
func TestBackend(t *testing.T, b core.Backend, path string, o BackendOptions) {
	t.Helper()
	s, err := newBackendSuite(b, path, o)
	if err != nil {
		t.Fatal(err)
	}
	s.scratch = t.TempDir()
	runChecks(t, s, slices.Concat(scoringChecks, trainingChecks, gradientChecks))
}

// backendSuite is the subject of the checks of a backend.
type backendSuite struct {
	backend core.Backend
	path    string
	options BackendOptions
	vocab   int
	scratch string // folder for models that checks write
}

func newBackendSuite(b core.Backend, path string, o BackendOptions) (*backendSuite, error) {
	if o.LogProb == 0 {
		o.LogProb = 1e-4
	}
	if o.Gradient == 0 {
		o.Gradient = 1e-2
	}
	raw, err := os.ReadFile(filepath.Join(path, "config.json"))
	if err != nil {
		return nil, err
	}
	var config struct {
		VocabSize int `json:"vocab_size"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, err
	}
	if config.VocabSize < 8 {
		return nil, fmt.Errorf("vocab_size of %q is %d; the suite wants at least 8", path, config.VocabSize)
	}
	return &backendSuite{backend: b, path: path, options: o, vocab: config.VocabSize}, nil
}

func (s *backendSuite) openOptions() core.OpenOptions {
	return core.OpenOptions{DType: "float32", Train: true, Options: s.options.Options}
}

// with opens the model, hands it to use, and closes it.
func (s *backendSuite) with(ctx context.Context, use func(core.Model) error) error {
	return s.withModel(ctx, s.path, s.openOptions(), use)
}

func (s *backendSuite) withModel(ctx context.Context, path string, o core.OpenOptions, use func(core.Model) error) error {
	m, err := s.backend.Open(ctx, path, o)
	if err != nil {
		return err
	}
	err = use(m)
	return errors.Join(err, m.Close())
}

// folder makes a new folder for a model.
func (s *backendSuite) folder() (string, error) {
	return os.MkdirTemp(s.scratch, "model")
}

// items are pairs and questions of several lengths, some with a common prefix.
func (s *backendSuite) items() []core.Item {
	r := rand.New(rand.NewPCG(7, 7))
	ids := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = int32(r.IntN(s.vocab))
		}
		return out
	}
	shared := ids(5)
	return []core.Item{
		{Prompt: shared, Completions: [][]int32{ids(3), ids(6)}},
		{Prompt: ids(1), Completions: [][]int32{ids(1), ids(2), ids(9), ids(4)}},
		{Prompt: slices.Concat(shared, ids(2)), Completions: [][]int32{ids(4), ids(1)}},
		{Prompt: ids(11), Completions: [][]int32{ids(12)}},
	}
}

// pairs are the items of two completions.
func (s *backendSuite) pairs() []core.Item {
	items := s.items()
	return []core.Item{items[0], items[2]}
}

// checkScores compares the sums of two runs over the same items.
func (s *backendSuite) checkScores(what string, a, b [][]core.Score) error {
	if len(a) != len(b) {
		return fmt.Errorf("%s: scores of %d items, then of %d", what, len(a), len(b))
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			return fmt.Errorf("%s: item %d: %d scores, then %d", what, i, len(a[i]), len(b[i]))
		}
		for j := range a[i] {
			if err := s.near(a[i][j].LogProb, b[i][j].LogProb); err != nil {
				return fmt.Errorf("%s: item %d, completion %d: %w", what, i, j, err)
			}
		}
	}
	return nil
}

// near says that two log-probabilities differ by more than rounding.
func (s *backendSuite) near(a, b float64) error {
	if math.Abs(a-b) <= s.options.LogProb {
		return nil
	}
	return fmt.Errorf("log-probabilities %v and %v differ by more than %v", a, b, s.options.LogProb)
}

// sgd is a step of plain gradient descent: with alpha = 1, RMSprop's running
// mean stays 0 and its denominator is epsilon.
func sgd(rate float64) core.Update {
	return core.Update{LearningRate: rate, Optimizer: core.Optimizer{Name: "rmsprop", Alpha: 1, Epsilon: 1}}
}

// fixed returns a GradFunc with weights of alternating sign.
func fixed(scores [][]core.Score) ([][]float64, error) {
	weights, n := make([][]float64, len(scores)), 0
	for i := range scores {
		for range scores[i] {
			weights[i] = append(weights[i], []float64{-1, 0.5, 0.75}[n%3])
			n++
		}
	}
	return weights, nil
}
