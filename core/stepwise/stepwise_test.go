package stepwise_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/coretest"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/stepwise"
	"github.com/stepwise-dpo/stepwise/partitioners"
)

// setup returns a run of coretest's model and sources in a new folder.
func setup(t *testing.T, change func(c *config.Config)) *stepwise.Run {
	t.Helper()
	dir := t.TempDir()
	base := filepath.Join(dir, "base")
	if err := coretest.WriteModel(base, coretest.Vocab, 8, 1); err != nil {
		t.Fatal(err)
	}
	c := &config.Config{
		Run: config.Run{Name: "test", Seed: 7}, Model: config.Model{Path: base, SaveDType: "float32"},
		Backend: config.Backend{Name: "coretest", DType: "float32"}, Partition: config.Partition{Strategy: "given"},
		Train: config.Train{
			LossType: "sigmoid", LossOptions: core.Options{"beta": 0.1}, Reference: "previous", TargetInit: "previous",
			LearningRate: 1e-2, LRSchedulerType: "linear", Optim: "adamw", AdamBeta1: 0.9, AdamBeta2: 0.999, AdamEpsilon: 1e-8,
			NumTrainEpochs: 2, BatchSize: 4, MicroBatchTokens: 1 << 20, Shuffle: true,
		},
	}
	if change != nil {
		change(c)
	}
	build := partitioners.BuiltIn[c.Partition.Strategy]
	p, err := build(c.Partition.Options)
	if err != nil {
		t.Fatal(err)
	}
	f, err := record.Create(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	sources := coretest.Sources()
	return &stepwise.Run{
		Config: c, Folder: f, Base: base, Backend: coretest.Backend{}, Partitioner: p,
		Sources: sources[:2], Heldout: sources[2:], Describe: describe,
		CarryOver: func(_, _, _ string) error { return nil },
		Card:      func(r record.StepResult) string { return fmt.Sprintf("step %d", r.Step) },
	}
}

func describe(dir, name string) (core.ModelInfo, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	sum := sha256.Sum256(raw)
	return core.ModelInfo{Name: name, Path: dir, VocabSize: coretest.Vocab, MaxLength: 1024, WeightsHash: hex.EncodeToString(sum[:])}, err
}

func do(t *testing.T, r *stepwise.Run) {
	t.Helper()
	if err := r.Do(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// scoresOf scores a source with the model in dir, apart from the loop.
func scoresOf(t *testing.T, dir string, source core.Source) [][]core.Score {
	t.Helper()
	m, err := coretest.Backend{}.Open(context.Background(), dir, core.OpenOptions{DType: "float32"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.LogProbs(context.Background(), source.Items(), core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestChain: each step's reference is the model of the step before, to the bit,
// the first loss of each is ln 2, and everything promised lies in the folder.
func TestChain(t *testing.T) {
	r := setup(t, nil)
	do(t, r)
	for step, dir := range []string{r.Base, r.Folder.Path("step-1", "model")} {
		rows, err := record.ReadJSONL[record.PairScore](r.Folder, fmt.Sprintf("step-%d/reference.jsonl", step+1))
		if err != nil {
			t.Fatal(err)
		}
		want := scoresOf(t, dir, r.Sources[step])
		for i, row := range rows {
			if row.Chosen != want[i][0].LogProb || row.Rejected != want[i][1].LogProb || row.Pair != i || row.Source != r.Sources[step].Name {
				t.Errorf("step %d, row %d is %+v, the model says %v", step+1, i, row, want[i])
			}
		}
		var result record.StepResult
		if err := r.Folder.ReadJSON(fmt.Sprintf("step-%d/step.json", step+1), &result); err != nil {
			t.Fatal(err)
		}
		if math.Abs(result.Loss.First-math.Ln2) > 1e-12 {
			t.Errorf("step %d begins with loss %v, want ln 2", step+1, result.Loss.First)
		}
		if result.Loss.Last >= result.Loss.First {
			t.Errorf("step %d: loss went from %v to %v", step+1, result.Loss.First, result.Loss.Last)
		}
	}
	for _, name := range []string{"plan.json", "partition.jsonl", "metrics.jsonl", "summary.json", "tb", "step-2/model/README.md", "eval/M2/heldout-" + r.Heldout[0].Name + ".jsonl"} {
		if !r.Folder.Has(name) {
			t.Errorf("no %s", name)
		}
	}
	if r.Folder.Has("step-2", "state") {
		t.Error("the state of a finished step was kept")
	}
	checkSummary(t, r)
}

// checkSummary recomputes the held-out numbers of M2 from the models.
func checkSummary(t *testing.T, r *stepwise.Run) {
	t.Helper()
	var s record.Summary
	if err := r.Folder.ReadJSON("summary.json", &s); err != nil {
		t.Fatal(err)
	}
	source := r.Heldout[0]
	m2, ok := s.Find("M2")
	if !ok {
		t.Fatalf("summary %+v lacks M2", s)
	}
	policy, reference := scoresOf(t, r.Folder.Path("step-2", "model"), source), scoresOf(t, r.Base, source)
	var lossSum, gamma, margin, accurate float64
	for i := range policy {
		h := func(j int) float64 { return policy[i][j].LogProb - reference[i][j].LogProb }
		z := 0.1 * (h(0) - h(1))
		lossSum += math.Log1p(math.Exp(-z))
		margin += z
		gamma += policy[i][0].LogProb - policy[i][1].LogProb
		if h(0) > h(1) {
			accurate++
		}
	}
	n := float64(len(policy))
	got := []float64{m2.Heldout[source.Name].Loss, m2.Heldout[source.Name].Margin, m2.Heldout[source.Name].Accuracy, m2.Gamma[source.Name].Mean}
	for i, want := range []float64{lossSum / n, margin / n, accurate / n, gamma / n} {
		if math.Abs(got[i]-want) > 1e-12*math.Max(1, math.Abs(want)) {
			t.Errorf("number %d of M2 is %v, want %v", i, got[i], want)
		}
	}
	if base, _ := s.Find("S"); math.Abs(base.Heldout[source.Name].Loss-math.Ln2) > 1e-12 {
		t.Errorf("S against itself has loss %v, want ln 2", base.Heldout[source.Name].Loss)
	}
}

// TestAblations: the paper's other references and starts are settings of the
// same loop.
func TestAblations(t *testing.T) {
	for _, c := range []struct {
		name             string
		reference, init  string
		firstIsLn2       bool
		referenceOfStep2 string
	}{
		{"target from the base", "previous", "base", false, "step-1/model"},
		{"reference the base", "base", "previous", false, ""},
		{"both the base", "base", "base", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := setup(t, func(cfg *config.Config) { cfg.Train.Reference, cfg.Train.TargetInit = c.reference, c.init })
			do(t, r)
			dir := r.Base
			if c.referenceOfStep2 != "" {
				dir = r.Folder.Path(c.referenceOfStep2)
			}
			rows, err := record.ReadJSONL[record.PairScore](r.Folder, "step-2/reference.jsonl")
			if err != nil {
				t.Fatal(err)
			}
			want := scoresOf(t, dir, r.Sources[1])
			for i, row := range rows {
				if row.Chosen != want[i][0].LogProb {
					t.Errorf("row %d: reference %v, want %v", i, row.Chosen, want[i][0].LogProb)
				}
			}
			var result record.StepResult
			if err := r.Folder.ReadJSON("step-2/step.json", &result); err != nil {
				t.Fatal(err)
			}
			if isLn2 := math.Abs(result.Loss.First-math.Ln2) < 1e-9; isLn2 != c.firstIsLn2 {
				t.Errorf("step 2 begins with loss %v", result.Loss.First)
			}
		})
	}
}

// TestExternalReference scores with a model of the user's.
func TestExternalReference(t *testing.T) {
	r := setup(t, nil)
	r.Config.Train.Reference = "elsewhere"
	r.Reference = filepath.Join(t.TempDir(), "reference")
	if err := coretest.WriteModel(r.Reference, coretest.Vocab, 8, 99); err != nil {
		t.Fatal(err)
	}
	do(t, r)
	rows, err := record.ReadJSONL[record.PairScore](r.Folder, "step-2/reference.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if want := scoresOf(t, r.Reference, r.Sources[1]); rows[0].Chosen != want[0][0].LogProb {
		t.Errorf("reference %v, want %v", rows[0].Chosen, want[0][0].LogProb)
	}
}

// TestAccumulation: however an update is cut into micro-batches, the weights
// after two steps are the same to rounding.
func TestAccumulation(t *testing.T) {
	var models []map[string][]float32
	for _, budget := range []int{1, 60, 1 << 20} {
		for _, loss := range []string{"sigmoid", "aot"} {
			r := setup(t, func(c *config.Config) {
				c.Train.MicroBatchTokens, c.Train.LossType, c.Train.NumTrainEpochs = budget, loss, 1
			})
			do(t, r)
			models = append(models, weightsOf(t, r.Folder.Path("step-2", "model")))
		}
	}
	for i := 2; i < len(models); i++ {
		for name, want := range models[i%2] {
			for j, w := range want {
				if got := models[i][name][j]; math.Abs(float64(got-w)) > 1e-6 {
					t.Fatalf("model %d: %s[%d] is %v, uncut %v", i, name, j, got, w)
				}
			}
		}
	}
}

// TestResume: a run that was interrupted after every single update, and once
// between steps, ends with the same bits as one that was not.
func TestResume(t *testing.T) {
	whole := setup(t, nil)
	do(t, whole)
	r := setup(t, nil)
	stops := 0
	for {
		stop := make(chan struct{})
		r.Interrupt = stop
		err := r.Do(core.WithReporter(context.Background(), &stopper{stop: stop}))
		if err == nil {
			break
		}
		if !errors.Is(err, stepwise.ErrInterrupted) {
			t.Fatal(err)
		}
		if stops++; stops > 100 {
			t.Fatal("the run does not advance")
		}
	}
	if stops < 5 {
		t.Errorf("only %d stops", stops)
	}
	for _, name := range []string{"step-1/model/model.safetensors", "step-2/model/model.safetensors", "step-2/reference.jsonl", "plan.json", "partition.jsonl", "summary.json"} {
		a, errA := os.ReadFile(whole.Folder.Path(name))
		b, errB := os.ReadFile(r.Folder.Path(name))
		if errA != nil || errB != nil || !slices.Equal(a, b) {
			t.Errorf("%s differs (%v, %v)", name, errA, errB)
		}
	}
	if a, b := lossesOf(t, whole), lossesOf(t, r); !slices.Equal(a, b) {
		t.Errorf("losses %v, uninterrupted %v", b, a)
	}
}

// TestStateOfFinishedStep: a run that died between a step's record and the removal
// of its state removes it when it is resumed.
func TestStateOfFinishedStep(t *testing.T) {
	r := setup(t, nil)
	do(t, r)
	if err := r.Folder.WriteJSON("step-1/state/state.json", 1); err != nil {
		t.Fatal(err)
	}
	do(t, r)
	if r.Folder.Has("step-1", "state") {
		t.Error("the state is still there")
	}
}

// evaluating is an evaluator that notes which models it has measured.
type evaluating struct {
	metric core.Metric
	models []string
}

func (e *evaluating) Evaluate(ctx context.Context, s core.Scorer, _ string) ([]core.Metric, error) {
	info, err := s.Info(ctx)
	e.models = append(e.models, info.Name)
	return []core.Metric{e.metric}, err
}

// evaluated is a run with that evaluator.
func evaluated(t *testing.T, when string, e core.Evaluator) *stepwise.Run {
	t.Helper()
	r := setup(t, func(c *config.Config) { c.Evals = []config.Eval{{Evaluator: "mine", When: when}} })
	r.Evaluators = []core.Evaluator{e}
	return r
}

// TestWhen: evaluators run on the models that their setting names, also where
// the run was interrupted.
func TestWhen(t *testing.T) {
	for when, want := range map[string][]string{"start": {"S"}, "end": {"M2"}, "each-step": {"S", "M1", "M2"}} {
		for _, interrupt := range []bool{false, true} {
			e := &evaluating{metric: core.Metric{Task: "task", Name: "acc", StdErr: math.NaN()}}
			r := evaluated(t, when, e)
			if interrupt {
				stop := make(chan struct{})
				r.Interrupt = stop
				if err := r.Do(core.WithReporter(context.Background(), &stopper{stop: stop})); !errors.Is(err, stepwise.ErrInterrupted) {
					t.Fatal(err)
				}
				r.Interrupt = nil
			}
			do(t, r)
			if !slices.Equal(e.models, want) {
				t.Errorf("%q, interrupted %v: measured %v, want %v", when, interrupt, e.models, want)
			}
		}
	}
}

// TestMetricNotFinite: the error names evaluator, task and metric.
func TestMetricNotFinite(t *testing.T) {
	for _, m := range []core.Metric{
		{Value: math.NaN(), StdErr: math.NaN()}, {Value: math.Inf(1), StdErr: math.NaN()}, {StdErr: math.Inf(1)},
	} {
		m.Task, m.Name = "riddles", "acc_norm"
		err := evaluated(t, "start", &evaluating{metric: m}).Do(context.Background())
		if err == nil || !strings.Contains(err.Error(), `evaluator "mine": acc_norm of task "riddles"`) {
			t.Errorf("%+v: error %v", m, err)
		}
	}
}

// stopper interrupts a run at its first update.
type stopper struct {
	stop chan struct{}
	once sync.Once
}

func (s *stopper) Progress(what string, _, _ int) {
	if strings.Contains(what, "update") {
		s.once.Do(func() { close(s.stop) })
	}
}

func (*stopper) Note(string) {}

func lossesOf(t *testing.T, r *stepwise.Run) []float64 {
	t.Helper()
	rows, err := record.ReadMetrics(r.Folder)
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	for _, row := range rows {
		losses = append(losses, row.Loss)
	}
	return losses
}

// drifting is a model that trains with other numbers than it scores with.
type drifting struct{ core.Model }

func (d drifting) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	return d.Model.Accumulate(ctx, items, func(s [][]core.Score) ([][]float64, error) {
		s[0][0].LogProb += 0.01
		return grad(s)
	})
}

// broken yields NaN for one completion.
type broken struct{ core.Model }

func (b broken) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	return b.Model.Accumulate(ctx, items, func(s [][]core.Score) ([][]float64, error) {
		s[0][1].LogProb = math.NaN()
		return grad(s)
	})
}

type wrapping struct {
	coretest.Backend
	wrap func(core.Model) core.Model
}

func (w wrapping) Open(ctx context.Context, path string, o core.OpenOptions) (core.Model, error) {
	m, err := w.Backend.Open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	return w.wrap(m), nil
}

// TestInvariants: a backend that scores and trains differently, and a loss that
// is not finite, stop the run and name the pair.
func TestInvariants(t *testing.T) {
	for _, c := range []struct {
		wrap func(core.Model) core.Model
		want string
	}{
		{func(m core.Model) core.Model { return drifting{m} }, "scores and trains differently"},
		{func(m core.Model) core.Model { return broken{m} }, "not finite for"},
	} {
		r := setup(t, nil)
		r.Backend = wrapping{wrap: c.wrap}
		err := r.Do(context.Background())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), r.Sources[0].Name+":") {
			t.Errorf("error %v, want %q and a pair", err, c.want)
		}
		if r.Folder.Has("step-1", "model") {
			t.Error("a model was saved all the same")
		}
	}
}

// cheating is a partitioner that breaks its contract.
type cheating []core.Step

func (c cheating) Partition(context.Context, []core.Source, core.Scorer) ([]core.Step, error) {
	return c, nil
}

func TestPartitionContract(t *testing.T) {
	pair := core.PairRef{}
	for _, c := range []struct {
		steps []core.Step
		want  string
	}{
		{nil, "no step"},
		{[]core.Step{{}}, "empty"},
		{[]core.Step{{Pairs: []core.PairRef{pair}}, {Pairs: []core.PairRef{pair}}}, "step 1 and in step 2"},
		{[]core.Step{{Pairs: []core.PairRef{{Source: 9}}}}, "does not exist"},
		{[]core.Step{{Pairs: []core.PairRef{{Pair: -1}}}}, "does not exist"},
	} {
		r := setup(t, nil)
		r.Partitioner = cheating(c.steps)
		if err := r.Do(context.Background()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestEasyToHardScoresOnce: the scores that ordered the sources are those of
// the first step's reference, and the plan shows them.
func TestEasyToHardScoresOnce(t *testing.T) {
	r := setup(t, func(c *config.Config) { c.Partition.Strategy = "easy-to-hard" })
	counted := &counting{}
	r.Backend = wrapping{wrap: func(m core.Model) core.Model { counted.Model = m; return counted }}
	r.Heldout = nil
	do(t, r)
	// Both sources under S, the second step's under M1.
	if want := len(r.Sources[0].Pairs) + len(r.Sources[1].Pairs); counted.items < want || counted.items >= want+max(len(r.Sources[0].Pairs), len(r.Sources[1].Pairs))+1 {
		t.Errorf("%d pairs were scored outside of training", counted.items)
	}
	var plan record.Plan
	if err := r.Folder.ReadJSON("plan.json", &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Steps) != 2 || plan.Steps[0].Sources[0].RewardAccuracy == nil ||
		*plan.Steps[0].Sources[0].RewardAccuracy < *plan.Steps[1].Sources[0].RewardAccuracy {
		t.Errorf("plan %+v", plan)
	}
}

type counting struct {
	core.Model
	items int
}

func (c *counting) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	c.items += len(items)
	return c.Model.LogProbs(ctx, items, d)
}

// weightsOf reads all tensors of a model.
func weightsOf(t *testing.T, dir string) map[string][]float32 {
	t.Helper()
	w, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	out := map[string][]float32{}
	for _, name := range w.Names() {
		tensor, err := w.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		size := 1
		for _, n := range tensor.Shape {
			size *= n
		}
		out[name] = make([]float32, size)
		if err := w.Float32(name, out[name]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// forecasting is a backend whose forecast is a function of a micro-batch's tokens.
type forecasting struct {
	core.Backend
	forecast func(tokens int) core.Forecast
}

func (f forecasting) Forecast(_ context.Context, _ string, _ core.OpenOptions, w core.Workload) (core.Forecast, error) {
	tokens := 0
	for _, item := range w.MicroBatch {
		tokens += item.Prompt + item.Completions[0] + item.Completions[1]
	}
	return f.forecast(tokens), nil
}

// TestMicroBatchTokens: the largest budget that fits without making activations
// anew; where none does, the largest that fits by it; else the smallest.
func TestMicroBatchTokens(t *testing.T) {
	for _, c := range []struct {
		name      string
		available int64 // bytes, of which a token takes 1; 0 = unknown
		kept      int   // the most tokens whose activations the backend keeps
		want      int
	}{
		{"all fit", 1 << 20, 1 << 20, 4096},
		{"four fifths", 2560, 1 << 20, 2048},
		{"a smaller one without", 1 << 20, 600, 512},
		{"the smallest without", 1 << 20, 256, 256},
		{"none without", 1 << 20, 0, 4096},
		{"none without, few with", 1280, 0, 1024},
		{"none at all", 1, 0, 256},
		{"unknown", 0, 1 << 20, 4096},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := setup(t, func(cfg *config.Config) { cfg.Train.MicroBatchTokens, cfg.Train.BatchSize = 0, 1<<10 })
			r.Sources = []core.Source{equalPairs(1 << 10)}
			r.Backend = forecasting{r.Backend, func(tokens int) core.Forecast {
				return core.Forecast{PeakBytes: int64(tokens), AvailableBytes: c.available, Recompute: tokens > c.kept}
			}}
			e, err := r.Estimate(context.Background())
			if err != nil || e.MicroBatchTokens != c.want {
				t.Errorf("micro-batches of %d tokens, %v; want %d", e.MicroBatchTokens, err, c.want)
			}
		})
	}
}

// TestBudgetIsKept: a resumed step goes on with the micro-batches that it began
// with, however much memory is free by then.
func TestBudgetIsKept(t *testing.T) {
	r := setup(t, func(c *config.Config) {
		c.Partition.Strategy, c.Train.MicroBatchTokens, c.Train.BatchSize = "all", 0, 64
	})
	r.Sources, r.Heldout = []core.Source{equalPairs(128)}, nil
	var cuts []int
	wrap := func(m core.Model) core.Model { return cutting{m, &cuts} }
	free, asked := int64(640), 0 // of which four fifths are 512 tokens
	r.Backend = forecasting{wrapping{wrap: wrap}, func(tokens int) core.Forecast {
		asked++
		return core.Forecast{PeakBytes: int64(tokens), AvailableBytes: free}
	}}
	stop := make(chan struct{})
	r.Interrupt = stop
	if err := r.Do(core.WithReporter(context.Background(), &stopper{stop: stop})); !errors.Is(err, stepwise.ErrInterrupted) {
		t.Fatal(err)
	}
	r.Interrupt, free, asked = nil, 1<<20, 0
	do(t, r)
	if want := []int{32, 32, 32, 32, 32, 32, 32, 32}; asked > 0 || !slices.Equal(cuts, want) {
		t.Errorf("micro-batches of %v pairs, want %v; %d forecasts when it was resumed", cuts, want, asked)
	}
}

// cutting notes the sizes of micro-batches.
type cutting struct {
	core.Model
	cuts *[]int
}

func (c cutting) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	*c.cuts = append(*c.cuts, len(items))
	return c.Model.Accumulate(ctx, items, grad)
}

// equalPairs has n pairs of 16 tokens, so that every budget is met exactly.
func equalPairs(n int) core.Source {
	s := core.Source{Name: "equal"}
	for range n {
		s.Pairs = append(s.Pairs, core.Pair{PromptIDs: make([]int32, 8), ChosenIDs: make([]int32, 4), RejectedIDs: make([]int32, 4)})
	}
	return s
}

// TestSeed: another seed shuffles otherwise, the same seed alike.
func TestSeed(t *testing.T) {
	run := func(seed int64) []float64 {
		r := setup(t, func(c *config.Config) { c.Run.Seed = seed })
		do(t, r)
		return lossesOf(t, r)
	}
	if a, b := run(1), run(1); !reflect.DeepEqual(a, b) {
		t.Errorf("seed 1 gave %v and %v", a, b)
	}
	if reflect.DeepEqual(run(1), run(2)) {
		t.Error("seeds 1 and 2 give the same losses")
	}
}
