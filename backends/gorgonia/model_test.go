package gorgonia

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

var background = context.Background()

// randomItems makes items of the tiny model's ids but 95, which pads and whose
// embedding has no full gradient.
func randomItems(seed uint64, n int) []core.Item { return backendtest.RandomItems(seed, n, 95) }

// ramp weighs completions by numbers that differ.
func ramp(scores [][]core.Score) ([][]float64, error) {
	weights := make([][]float64, len(scores))
	k := 0
	for i := range scores {
		for range scores[i] {
			weights[i] = append(weights[i], math.Sin(float64(k)))
			k++
		}
	}
	return weights, nil
}

func logProbs(t testing.TB, m *Model, items []core.Item) [][]core.Score {
	t.Helper()
	scores, err := m.LogProbs(background, items, core.Detail{PerToken: true, Greedy: true})
	if err != nil {
		t.Fatal(err)
	}
	return scores
}

func accumulate(t testing.TB, m *Model, items []core.Item, f core.GradFunc) {
	t.Helper()
	if err := m.Accumulate(background, items, f); err != nil {
		t.Fatal(err)
	}
}

// gradients copies the accumulated gradient.
func gradients(m *Model) [][]float32 {
	var g [][]float32
	for _, w := range m.weights.all() {
		g = append(g, slices.Clone(w.accumulated()))
	}
	return g
}

// A score has the same bits in every company, cut and number of threads.
func TestScoresAreExact(t *testing.T) {
	t.Run("float32", func(t *testing.T) { scoresAreExact(t, "float32") })
	t.Run("bf16", func(t *testing.T) { scoresAreExact(t, "bf16") })
}

func scoresAreExact(t *testing.T, dtype string) {
	items := randomItems(1, 40)
	want := logProbs(t, open(t, tiny, core.OpenOptions{DType: dtype}), items)
	for _, threads := range []int{1, 2, 5} {
		m := open(t, tiny, core.OpenOptions{DType: dtype, Options: core.Options{"threads": threads}})
		for _, rows := range []int{3, 64, 10000} {
			m.rows = rows
			if got := logProbs(t, m, items); !reflect.DeepEqual(got, want) {
				t.Errorf("%d threads, %d rows at a time: other scores", threads, rows)
			}
		}
		for i, item := range items {
			if got := logProbs(t, m, []core.Item{item}); !reflect.DeepEqual(got[0], want[i]) {
				t.Errorf("%d threads: item %d alone scores %v, %v among others", threads, i, got[0], want[i])
			}
		}
	}
}

// Chosen and rejected share their prompt's computation, and give the gradient that
// they give apart.
func TestSharedEqualsUnshared(t *testing.T) {
	items := randomItems(2, 12)
	shared, apart := open(t, tiny, core.OpenOptions{Train: true}), open(t, tiny, core.OpenOptions{Train: true})
	var weights [][]float64
	accumulate(t, shared, items, func(s [][]core.Score) ([][]float64, error) {
		weights, _ = ramp(s)
		return weights, nil
	})
	for i, item := range items {
		for j, c := range item.Completions {
			one := []core.Item{{Prompt: item.Prompt, Completions: [][]int32{c}}}
			accumulate(t, apart, one, func([][]core.Score) ([][]float64, error) {
				return [][]float64{{weights[i][j]}}, nil
			})
		}
	}
	got, want := gradients(shared), gradients(apart)
	for i, w := range shared.weights.all() {
		if off := distance(got[i], want[i]); !(off <= 1e-5) {
			t.Errorf("gradient of %q differs by %.2g of its norm", w.name(), off)
		}
	}
}

// distance is the norm of x-y relative to y's.
func distance(x, y []float32) float64 {
	var d, n float64
	for i := range x {
		d += (float64(x[i]) - float64(y[i])) * (float64(x[i]) - float64(y[i]))
		n += float64(y[i]) * float64(y[i])
	}
	return math.Sqrt(d / n)
}

// A training step has the same bits for every number of threads, and recomputed
// activations are those that were dropped.
func TestStepsAreExact(t *testing.T) {
	var want [][]float32
	for _, o := range []core.Options{{"threads": 1}, {"threads": 2}, {"threads": 5, "recompute": true}} {
		m := open(t, tiny, core.OpenOptions{Train: true, Options: o})
		accumulate(t, m, randomItems(3, 9), ramp)
		accumulate(t, m, randomItems(4, 5), ramp)
		got := gradients(m)
		if want == nil {
			want = got
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: another gradient", o)
		}
	}
}

// TestGradientByDifferences compares the gradient with finite differences of the
// whole model, along the gradient itself and along random directions.
func TestGradientByDifferences(t *testing.T) {
	items := randomItems(5, 6)
	m := open(t, tiny, core.OpenOptions{Train: true})
	accumulate(t, m, items, ramp)
	grads := gradients(m)
	rng := rand.New(rand.NewPCG(6, 0))
	for i, w := range m.weights.all() {
		direction := make([]float64, w.size())
		slope := 0.0
		for k := range direction {
			direction[k] = float64(grads[i][k]) + 0.1*rng.NormFloat64()
			slope += direction[k] * float64(grads[i][k])
		}
		norm := math.Sqrt(slope)
		const step = 2e-2
		ahead := objective(t, m, w, items, direction, step/norm)
		behind := objective(t, m, w, items, direction, -step/norm)
		got, want := slope/norm, (ahead-behind)/(2*step)
		if !(math.Abs(got-want) <= 5e-3*math.Abs(want)) {
			t.Errorf("gradient of %q: slope %.5g, by differences %.5g", w.name(), got, want)
		}
	}
}

// objective is Σ ramp·logp with w moved along a direction.
func objective(t *testing.T, m *Model, w *weight, items []core.Item, direction []float64, step float64) float64 {
	t.Helper()
	kept := slices.Clone(w.values)
	for k := range w.values {
		w.values[k] += float32(step * direction[k])
	}
	scores := logProbs(t, m, items)
	copy(w.values, kept)
	weights, _ := ramp(scores)
	sum := 0.0
	for i := range scores {
		for j, s := range scores[i] {
			sum += weights[i][j] * s.LogProb
		}
	}
	return sum
}

// The whole sum of a per-token detail is the sum, and greedy is what the model
// would have said.
func TestDetail(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{})
	prompt := []int32{5, 6, 7}
	best, at := math.Inf(-1), 0
	var item core.Item
	for id := range int32(96) {
		item.Completions = append(item.Completions, []int32{id})
	}
	item.Prompt = prompt
	scores := logProbs(t, m, []core.Item{item})[0]
	total := 0.0
	for id, s := range scores {
		total += math.Exp(s.LogProb)
		if s.LogProb > best {
			best, at = s.LogProb, id
		}
		if s.Tokens != 1 || s.TokenLogProbs[0] != s.LogProb {
			t.Errorf("token %d: %+v", id, s)
		}
	}
	if math.Abs(total-1) > 1e-6 {
		t.Errorf("probabilities of all tokens sum to %v", total)
	}
	for id, s := range scores {
		if s.Greedy != (id == at) {
			t.Errorf("token %d: greedy %v; the most probable is %d", id, s.Greedy, at)
		}
	}
}

// Larger batches take the place of smaller ones: the arena grows and lets go of what
// it had.
func TestArenaGrows(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	fresh := open(t, tiny, core.OpenOptions{Train: true})
	for _, n := range []int{1, 5, 40} {
		logProbs(t, m, randomItems(12, n))
		accumulate(t, m, randomItems(12, n), ramp)
	}
	accumulate(t, fresh, randomItems(12, 40), ramp)
	if m.arena.held != fresh.arena.held {
		t.Errorf("the arena holds %d floats, made at once it holds %d", m.arena.held, fresh.arena.held)
	}
}

func TestGradFuncFails(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	accumulate(t, m, randomItems(7, 3), ramp)
	want := gradients(m)
	cause := errors.New("no")
	err := m.Accumulate(background, randomItems(8, 3), func([][]core.Score) ([][]float64, error) { return nil, cause })
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want the callback's", err)
	}
	err = m.Accumulate(background, randomItems(8, 3), func([][]core.Score) ([][]float64, error) { return [][]float64{{1}}, nil })
	if err == nil || !strings.Contains(err.Error(), "weights for 1 items, not 3") {
		t.Errorf("error %v for too few weights", err)
	}
	if !reflect.DeepEqual(gradients(m), want) {
		t.Error("the gradient changed")
	}
	accumulate(t, m, randomItems(8, 3), ramp)
}

func TestCancelled(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true})
	ctx, cancel := context.WithCancel(background)
	accumulate(t, m, randomItems(9, 3), ramp)
	err := m.Accumulate(ctx, randomItems(9, 3), func(s [][]core.Score) ([][]float64, error) {
		cancel()
		return ramp(s)
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("error %v, want one that the gradient was dropped", err)
	}
	for i, g := range gradients(m) {
		if slices.ContainsFunc(g, func(v float32) bool { return v != 0 }) {
			t.Errorf("weight %d keeps a part of a gradient", i)
		}
	}
	if _, err := m.LogProbs(ctx, randomItems(9, 3), core.Detail{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a cancelled scoring", err)
	}
	logProbs(t, m, randomItems(9, 3))
}

func TestBadItems(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{})
	for want, item := range map[string]core.Item{
		"item 0: the prompt: token id 96 is outside of the vocabulary of 96":                         {Prompt: []int32{96}, Completions: [][]int32{{1}}},
		"item 0: completion 1: token id -1 is outside of the vocabulary of 96":                       {Prompt: []int32{1}, Completions: [][]int32{{1}, {-1}}},
		"item 0: the prompt has no token; the first completion token needs one to be predicted from": {Completions: [][]int32{{1}}},
	} {
		_, err := m.LogProbs(background, []core.Item{item}, core.Detail{})
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := m.Accumulate(background, randomItems(1, 1), ramp); err == nil || !strings.Contains(err.Error(), "Train") {
		t.Errorf("error %v of training a model opened for scoring", err)
	}
	if scores := logProbs(t, m, nil); len(scores) != 0 {
		t.Errorf("scores %v of nothing", scores)
	}
}

func TestCheck(t *testing.T) {
	for want, o := range map[string]core.OpenOptions{
		`unknown option "thread"`:      {DType: "float32", Options: core.Options{"thread": 2}},
		`option "threads": -1 is less`: {DType: "float32", Options: core.Options{"threads": -1}},
		`option "recompute"`:           {DType: "float32", Options: core.Options{"recompute": "yes"}},
		`dtype "fp8" is not known`:     {DType: "fp8"},
		`option "arithmetic": "int8"`:  {DType: "bf16", Options: core.Options{"arithmetic": "int8"}},
		`bf16 needs dtype = "bf16"`:    {DType: "float32", Options: core.Options{"arithmetic": "bf16"}},
		`stored as bf16 are for scori`: {DType: "bf16", Train: true, Options: core.Options{"arithmetic": "float32"}},
	} {
		err := Backend{}.Check(background, o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := (Backend{}).Check(background, core.OpenOptions{DType: "bf16", Options: core.Options{"threads": 2, "recompute": true}}); err != nil {
		t.Error(err)
	}
}

// A folder whose config.json and tensors disagree is refused.
func TestOpenDisagreement(t *testing.T) {
	dir := t.TempDir()
	config, err := os.ReadFile(filepath.Join(tiny, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(config), `"intermediate_size": 40`, `"intermediate_size": 48`, 1)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(tiny, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = Backend{}.Open(background, dir, core.OpenOptions{DType: "float32"})
	if want := "has shape [40 24], config.json says [48 24]"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	_, err = Backend{}.Open(background, t.TempDir(), core.OpenOptions{DType: "float32"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v of an empty folder", err)
	}
}

// bfloat16 storage computes what float32 does with rounded weights.
func TestHalfStorage(t *testing.T) {
	items := randomItems(10, 10)
	full := open(t, tiny, core.OpenOptions{})
	dir := saved(t, full, core.SaveOptions{DType: "bf16"})
	rounded := open(t, dir, core.OpenOptions{})
	half := open(t, tiny, core.OpenOptions{DType: "bf16", Options: core.Options{"arithmetic": "float32"}})
	places := rounded.places()
	for i, p := range half.places() {
		if p.weight.matrix && !slices.Equal(p.values(half.pool, -1), places[i].values(nil, -1)) {
			t.Errorf("%q differs from its rounded file", half.arch.Params()[i].Name)
		}
	}
	want := logProbs(t, rounded, items)
	for i, s := range logProbs(t, half, items) {
		for j := range s {
			// Norms stay in float32 in memory and are rounded in the file.
			if off := math.Abs(s[j].LogProb - want[i][j].LogProb); !(off <= 2e-2*float64(s[j].Tokens)) {
				t.Errorf("item %d: %v, with rounded weights %v", i, s[j].LogProb, want[i][j].LogProb)
			}
		}
	}
}

// With bfloat16 arithmetic, scoring and training see the same log-probabilities to
// the bit. The gradient is near float32's: operands are rounded by up to 2^-9, and
// the random weights are large, so that probabilities move by some hundredths.
func TestHalfArithmetic(t *testing.T) {
	items := randomItems(11, 10)
	full, half := open(t, tiny, core.OpenOptions{Train: true}), open(t, tiny, core.OpenOptions{Train: true, DType: "bf16"})
	scoring := open(t, tiny, core.OpenOptions{DType: "bf16"})
	want, got := logProbs(t, full, items), logProbs(t, half, items)
	if !reflect.DeepEqual(got, logProbs(t, scoring, items)) {
		t.Error("a model opened for scoring scores otherwise than one opened for training")
	}
	for i := range items {
		for j, s := range got[i] {
			if off := math.Abs(s.LogProb - want[i][j].LogProb); !(off <= 3e-2*float64(s.Tokens)) {
				t.Errorf("item %d: %v, in float32 %v", i, s.LogProb, want[i][j].LogProb)
			}
		}
	}
	accumulate(t, full, items, ramp)
	accumulate(t, half, items, func(scores [][]core.Score) ([][]float64, error) {
		for i := range scores {
			for j, s := range scores[i] {
				if s.LogProb != got[i][j].LogProb {
					t.Errorf("item %d: %v in training, %v in scoring", i, s.LogProb, got[i][j].LogProb)
				}
			}
		}
		return ramp(scores)
	})
	g := gradients(half)
	for i, w := range gradients(full) {
		if off := distance(g[i], w); !(off <= 6e-2) {
			t.Errorf("gradient of %q differs by %.2g of its norm", full.weights.all()[i].name(), off)
		}
	}
}

// saved saves a model with the configuration that Open needs and returns the folder.
func saved(t *testing.T, m *Model, o core.SaveOptions) string {
	t.Helper()
	dir := t.TempDir()
	if err := m.Save(background, dir, o); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.CarryOver(tiny, dir, o.DType); err != nil {
		t.Fatal(err)
	}
	return dir
}
