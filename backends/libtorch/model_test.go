//go:build libtorch

package libtorch

import (
	"context"
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/forecast"
	"github.com/stepwise-dpo/stepwise/backends/internal/logits"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
)

func accumulate(t testing.TB, m *Model, items []core.Item, grad core.GradFunc) {
	t.Helper()
	if err := m.Accumulate(background, items, grad); err != nil {
		t.Fatal(err)
	}
}

func update(t testing.TB, m *Model, u core.Update) core.UpdateStats {
	t.Helper()
	stats, err := m.Update(background, u)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func TestOptionsRefused(t *testing.T) {
	for want, o := range map[string]core.OpenOptions{
		`dtype "float16" is not known`:                            {DType: "float16"},
		`unknown option "treads"`:                                 {DType: settings.BF16, Options: core.Options{"treads": 1}},
		`option "threads": -1 is less than 0`:                     {DType: settings.BF16, Options: core.Options{"threads": -1}},
		`option "threads": a string is not a int`:                 {DType: settings.BF16, Options: core.Options{"threads": "two"}},
		`option "device": "gpu" is not a device`:                  {DType: settings.BF16, Options: core.Options{"device": "gpu"}},
		`option "device": "cuda:-1" is not a device`:              {DType: settings.BF16, Options: core.Options{"device": "cuda:-1"}},
		`option "memory_fraction": 1.5 is not`:                    {DType: settings.BF16, Options: core.Options{"memory_fraction": 1.5}},
		`option "master_weights": false is for dtype "bf16"`:      {DType: settings.Float32, Options: core.Options{"master_weights": false}},
		`checkpointing is true, false or "auto", not "sometimes"`: {DType: settings.BF16, Options: core.Options{"checkpointing": "sometimes"}},
		`option "memory_fraction": 0 is not`:                      {DType: settings.BF16, Options: core.Options{"memory_fraction": 0}},
		`option "memory_fraction": it is of a GPU's memory`:       {DType: settings.BF16, Options: core.Options{"memory_fraction": .5, "device": "cpu"}},
	} {
		if err := New().Check(background, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// A GPU that is not there is an error that says what to do; "auto" takes the processor.
func TestNoGPU(t *testing.T) {
	if _, err := os.Stat("/dev/nvidiactl"); err == nil {
		t.Skip("there is a GPU")
	}
	err := New().Check(background, core.OpenOptions{DType: settings.BF16, Options: core.Options{"device": "cuda:0"}})
	if err == nil || !strings.Contains(err.Error(), "no NVIDIA driver") || !strings.Contains(err.Error(), `set device = "cpu"`) {
		t.Errorf("error %v", err)
	}
	m := open(t, tiny, core.OpenOptions{Options: core.Options{"device": "auto"}})
	if m.device >= 0 {
		t.Errorf("auto is device %d", m.device)
	}
}

// Activations that are made anew give the gradient that kept ones give, and so do
// log-probabilities that do not fit.
func TestCheckpointing(t *testing.T) {
	var gradients [3]map[string][]float32
	for i, setting := range []any{false, true, "auto"} {
		m := open(t, tiny, core.OpenOptions{Train: true, Options: core.Options{"checkpointing": setting}})
		if m.room == 0 {
			t.Error("the model does not know how much memory there is")
		}
		m.room = 1 // so that "auto" finds too little
		if again := m.recomputes(loadOf(t, backendtest.RandomItems(5, 6, 95))); again != (i > 0) {
			t.Errorf("checkpointing %v: activations are made anew: %v", setting, again)
		}
		if i == 1 {
			m.network.budget = logits.Budget{Chunk: 2 * m.arch.VocabSize}
		}
		accumulate(t, m, backendtest.RandomItems(5, 6, 95), backendtest.DPOWeights)
		gradients[i] = map[string][]float32{}
		for _, w := range m.weights {
			gradients[i][w.param.Name] = gradient(t, w)
		}
	}
	for name, a := range gradients[0] {
		norm := 0.0
		for _, v := range a {
			norm = math.Hypot(norm, float64(v))
		}
		if !slices.Equal(a, gradients[2][name]) {
			t.Errorf("%s: other bits where activations were made anew", name)
		}
		for _, other := range gradients[1:] {
			for k, v := range other[name] {
				if math.Abs(float64(v-a[k])) > 1e-6*norm {
					t.Fatalf("%s[%d]: %v with checkpointing, %v without", name, k, v, a[k])
				}
			}
		}
	}
}

func loadOf(t *testing.T, items []core.Item) forecast.Load {
	t.Helper()
	l, err := forecast.NewLoad(core.NewWorkload(items))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A scoring pass of few rows carries keys and values on to the next.
func TestRowsChangeNoScore(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{})
	items := backendtest.RandomItems(9, 12, 95)
	whole, err := m.LogProbs(background, items, core.Detail{PerToken: true, Greedy: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, m.rows = range []int{1, 2, 5, 13} {
		cut, err := m.LogProbs(background, items, core.Detail{PerToken: true, Greedy: true})
		if err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			for j, want := range whole[i] {
				got := cut[i][j]
				if math.Abs(got.LogProb-want.LogProb) > 1e-5*float64(want.Tokens) || got.Greedy != want.Greedy {
					t.Errorf("rows %d, item %d, completion %d: %+v, want %+v", m.rows, i, j, got, want)
				}
			}
		}
	}
}

// An Accumulate that is cancelled during its backward pass leaves no part of a gradient.
func TestCancelledBackward(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true, Options: core.Options{"checkpointing": true}})
	ctx := &dying{Context: background, calls: 3 + 2*m.arch.Layers}
	err := m.Accumulate(ctx, backendtest.RandomItems(1, 3, 95), backendtest.DPOWeights)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "incomplete and was dropped") {
		t.Fatalf("error %v", err)
	}
	if norm := update(t, m, core.Update{Optimizer: backendtest.Optimizers["adamw"]}).GradNorm; norm != 0 {
		t.Errorf("gradient norm %v", norm)
	}
}

// A dying context is cancelled after some calls of Err.
type dying struct {
	context.Context
	calls int
}

func (d *dying) Err() error {
	if d.calls--; d.calls < 0 {
		return context.Canceled
	}
	return nil
}

// Where there is no memory, the error says how much was asked for and what to set.
func TestOutOfMemory(t *testing.T) {
	for want, o := range map[string]core.OpenOptions{
		"set a smaller train.micro_batch_tokens or checkpointing = true in backend.options": {Train: true},
		"set a smaller train.micro_batch_tokens or master_weights = false in backend.options": {
			Train: true, DType: settings.BF16, Options: core.Options{"checkpointing": true},
		},
		`set backend.dtype = "bf16"`:                {},
		"the model needs a device with more memory": {DType: settings.BF16},
		"libtorch: DefaultCPUAllocator: can't allocate memory: you tried to allocate 4398046511104 bytes": {},
	} {
		m := open(t, tiny, o)
		err := m.do(background, func() error {
			var s torch.Scope
			defer s.Free()
			s.Zeros(torch.CPU, torch.Float32, 1<<40)
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestScoringOnly(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{})
	if err := m.Accumulate(background, backendtest.RandomItems(1, 1, 95), backendtest.DPOWeights); err == nil || !strings.Contains(err.Error(), "scoring only") {
		t.Errorf("error %v", err)
	}
	if _, err := m.Update(background, core.Update{Optimizer: backendtest.Optimizers["adamw"]}); err == nil || !strings.Contains(err.Error(), "scoring only") {
		t.Errorf("error %v", err)
	}
}

// Steps need no more memory than the first ones did.
func TestSteadyMemory(t *testing.T) {
	m := open(t, tiny, core.OpenOptions{Train: true, Options: core.Options{"threads": 1}})
	items := backendtest.RandomItems(1, 8, 95)
	step := func() {
		accumulate(t, m, items, backendtest.DPOWeights)
		update(t, m, core.Update{LearningRate: 1e-4, Optimizer: backendtest.Optimizers["adamw"]})
	}
	for range 50 {
		step()
	}
	before := resident(t)
	for range 500 {
		step()
	}
	grown := resident(t) - before
	t.Logf("500 steps: %d kB more of %d", grown>>10, before>>10)
	if grown > 8<<20 {
		t.Errorf("500 steps need %d bytes more", grown)
	}
}

// resident returns the bytes of memory that the process holds.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc: the memory of a process is not known")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// bf16 is near float32, and trains.
func TestBF16(t *testing.T) {
	items := backendtest.RandomItems(2, 4, 95)
	exact, err := open(t, tiny, core.OpenOptions{}).LogProbs(background, items, core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, tiny, core.OpenOptions{DType: settings.BF16, Train: true})
	before := contents(t, m)
	rounded, err := m.LogProbs(background, items, core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range exact {
		for j, want := range exact[i] {
			if off := math.Abs(rounded[i][j].LogProb - want.LogProb); !(off > 0 && off <= 0.1*float64(want.Tokens)) {
				t.Errorf("item %d, completion %d: %v in bf16, %v in float32", i, j, rounded[i][j].LogProb, want.LogProb)
			}
		}
	}
	accumulate(t, m, items, backendtest.DPOWeights)
	if norm := update(t, m, core.Update{LearningRate: 1e-6, Optimizer: backendtest.Optimizers["adamw"]}).GradNorm; !(norm > 0) {
		t.Errorf("gradient norm %v", norm)
	}
	if reflect.DeepEqual(before, contents(t, m)) {
		t.Error("a step of less than bf16's resolution left the float32 weights")
	}
}

// Without master weights all that training keeps is bfloat16: a step goes where the
// one with them goes, rounded, and one below the resolution goes nowhere.
func TestNoMasterWeights(t *testing.T) {
	items := backendtest.RandomItems(2, 4, 95)
	step := func(rate float64, master bool) map[string][]float32 {
		m := open(t, tiny, core.OpenOptions{DType: settings.BF16, Train: true, Options: core.Options{"master_weights": master}})
		accumulate(t, m, items, backendtest.DPOWeights)
		if rate > 0 {
			update(t, m, core.Update{LearningRate: rate, Optimizer: backendtest.Optimizers["adamw"]})
		}
		return contents(t, m)
	}
	start, pure, master := step(0, false), step(1e-2, false), step(1e-2, true)
	moved := 0
	for name, values := range pure {
		for k, v := range values {
			if math.Float32bits(v)&0xffff != 0 {
				t.Fatalf("%s[%d]: %v is no bfloat16", name, k, v)
			}
			// Adam's first step is the rate times the gradient's sign, wherever it is not tiny.
			if off := math.Abs(float64(v - master[name][k])); off > 2e-2+math.Abs(float64(v))/128 {
				t.Fatalf("%s[%d]: %v, %v with master weights", name, k, v, master[name][k])
			}
			if v != start[name][k] {
				moved++
			}
		}
	}
	if moved == 0 {
		t.Error("no weight moved")
	}
}
