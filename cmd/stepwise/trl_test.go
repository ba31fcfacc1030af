package main

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// Traces of TRL 1.16, replayed by `stepwise run` from their token ids, with the
// backend that $STEPWISE_BACKEND names. The tolerances are those of two float32
// implementations that agree.

// idPair is a row of token ids, in TRL's names and in ours.
type idPair struct {
	Prompt   []int32 `json:"prompt_ids"`
	Chosen   []int32 `json:"chosen_ids"`
	Rejected []int32 `json:"rejected_ids"`
}

// cut keeps the first n tokens of each row, as TRL's collator does.
func (p idPair) cut(n int) idPair {
	room := n - len(p.Prompt)
	p.Chosen, p.Rejected = p.Chosen[:min(room, len(p.Chosen))], p.Rejected[:min(room, len(p.Rejected))]
	return p
}

// trlLog is what TRL logged of an update.
type trlLog struct {
	Loss         float64 `json:"loss"`
	GradNorm     float64 `json:"grad_norm"`
	LearningRate float64 `json:"learning_rate"`
	Margins      float64 `json:"rewards/margins"`
	Chosen       float64 `json:"rewards/chosen"`
	Accuracies   float64 `json:"rewards/accuracies"`
	LogpsChosen  float64 `json:"logps/chosen"`
	LogpsReject  float64 `json:"logps/rejected"`
	Epoch        float64 `json:"epoch"`
}

// fingerprint samples a tensor's values after training.
type fingerprint struct {
	L2    float64   `json:"l2"`
	Index []int     `json:"idx"`
	Value []float64 `json:"val"`
}

type trlRun struct {
	Logs         []trlLog               `json:"logs"`
	Fingerprints map[string]fingerprint `json:"fp"`
}

func readGzip(t *testing.T, path string, into any) {
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
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// replay runs stepwise on sources of ids and returns the run's folder.
func replay(t *testing.T, model string, sources [][]idPair, train string) *record.Folder {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, "[run]\nname = \"replay\"\n[model]\npath = %q\n", model)
	for i, rows := range sources {
		path := filepath.Join(dir, fmt.Sprintf("d%d.jsonl", i+1))
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		e := json.NewEncoder(f)
		for _, r := range rows {
			if err := e.Encode(r.cut(512)); err != nil {
				t.Fatal(err)
			}
		}
		f.Close()
		fmt.Fprintf(&b, "[[source]]\nname = \"d%d\"\npath = %q\n", i+1, path)
	}
	fmt.Fprintf(&b, "[partition]\nstrategy = \"given\"\n[train]\npreset = \"trl\"\nshuffle = false\nnum_train_epochs = 1\n%s", train)
	config := filepath.Join(dir, "run.toml")
	if err := os.WriteFile(config, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	backend := cmp.Or(os.Getenv("STEPWISE_BACKEND"), "gorgonia")
	mustRun(t, "run", config, "--dir", filepath.Join(dir, "runs"), "--set", "backend.name="+backend)
	f, err := record.Open(filepath.Join(dir, "runs", "replay"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// compareLogs holds the updates of a step against TRL's.
// From the update after loose on, what a first Adam step has made of gradients
// that are noise counts 25 times less (0 = never).
func compareLogs(t *testing.T, f *record.Folder, step int, want []trlLog, pairs []idPair, batch, loose int) {
	t.Helper()
	rows, err := record.ReadMetrics(f)
	if err != nil {
		t.Fatal(err)
	}
	var got []record.Metrics
	for _, r := range rows {
		if r.Step == step {
			got = append(got, r)
		}
	}
	for len(want) > 0 && want[len(want)-1].LogpsChosen == 0 {
		want = want[:len(want)-1] // the summary of the whole training
	}
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("step %d: %d updates, TRL made %d", step, len(got), len(want))
	}
	for u, w := range want {
		g := got[u]
		tokens := 0
		for _, p := range pairs[u*batch : (u+1)*batch] {
			tokens = max(tokens, len(p.Chosen), len(p.Rejected))
		}
		logps := 5e-4 + 1e-5*float64(tokens)
		slack := 1.0
		if loose > 0 && u >= loose {
			slack = 25
		}
		for _, c := range []struct {
			name           string
			got, want, tol float64
		}{
			{"loss", g.Loss, w.Loss, 2e-5 * math.Max(1, math.Abs(w.Loss))},
			{"margins", g.Margins, w.Margins, 5e-5},
			{"grad_norm", g.GradNorm, w.GradNorm, 1e-3 * w.GradNorm},
			{"learning_rate", g.LearningRate, w.LearningRate, 1e-12},
			{"logps/chosen", g.LogpsChosen, w.LogpsChosen, logps},
			{"logps/rejected", g.LogpsRejected, w.LogpsReject, logps},
			{"epoch", g.Epoch, w.Epoch, 1e-9},
		} {
			if !(math.Abs(c.got-c.want) <= slack*c.tol) {
				t.Errorf("step %d, update %d: %s is %v, TRL's %v (tolerance %.2g)", step, u+1, c.name, c.got, c.want, c.tol)
			}
		}
	}
}

// compareWeights holds a saved model against TRL's fingerprint: 99 % of the
// samples within 1e-6, the rest within twice the sum of the learning rates (a
// first Adam step moves an entry with a gradient of pure noise by all of it).
func compareWeights(t *testing.T, dir string, want map[string]fingerprint, rates float64) {
	t.Helper()
	w, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	samples, off := 0, 0
	for name, fp := range want {
		tensor, err := w.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		values := make([]float32, len(tensor.Data)/4)
		if err := w.Float32(name, values); err != nil {
			t.Fatal(err)
		}
		var squares float64
		for _, v := range values {
			squares += float64(v) * float64(v)
		}
		if l2 := math.Sqrt(squares); math.Abs(l2-fp.L2) > 1e-7*fp.L2 {
			t.Errorf("%s: L2 %v, TRL's %v", name, l2, fp.L2)
		}
		for i, index := range fp.Index {
			samples++
			d := math.Abs(float64(values[index]) - fp.Value[i])
			if d > 1e-6 {
				off++
			}
			if d > 2*rates {
				t.Errorf("%s[%d] is %v, TRL's %v", name, index, values[index], fp.Value[i])
			}
		}
	}
	if samples == 0 || off*100 > samples {
		t.Errorf("%d of %d sampled weights differ by more than 1e-6", off, samples)
	}
}

func sumOfRates(logs []trlLog) (sum float64) {
	for _, l := range logs {
		sum += l.LearningRate
	}
	return sum
}

// TestTRLAccumulation: DPO of the tiny model, whole updates and cut in two.
func TestTRLAccumulation(t *testing.T) {
	golden := filepath.Join(testenv.Shared(t), "golden", "trl")
	var g struct {
		IDs   []idPair `json:"ids"`
		Whole trlRun   `json:"trl_8x1"`
		Cut   trlRun   `json:"trl_4x2"`
	}
	readGzip(t, filepath.Join(golden, "traces_tiny", "a_dpo_ultrafeedback64.json.gz"), &g)
	for _, c := range []struct {
		name  string
		micro int
		want  trlRun
	}{{"whole", 1 << 20, g.Whole}, {"cut", 900, g.Cut}} {
		t.Run(c.name, func(t *testing.T) {
			f := replay(t, filepath.Join(golden, "tiny"), [][]idPair{g.IDs}, fmt.Sprintf(
				"learning_rate = 1e-3\nwarmup_ratio = 0.1\nbatch_size = 8\nmicro_batch_tokens = %d\nmax_length = 512\n", c.micro))
			compareLogs(t, f, 1, c.want.Logs, g.IDs, 8, 0)
			compareWeights(t, f.Path("step-1", "model"), c.want.Fingerprints, sumOfRates(c.want.Logs))
		})
	}
}

// TestTRLStepwise: two steps, the second from M1 with M1 as its reference, and
// the paper's ablation, which starts it from the base.
func TestTRLStepwise(t *testing.T) {
	golden := filepath.Join(testenv.Shared(t), "golden", "trl")
	var g struct {
		IDs1  []idPair `json:"ids1"`
		IDs2  []idPair `json:"ids2"`
		Step1 trlRun   `json:"step1"`
		Step2 trlRun   `json:"step2"`
		Base  trlRun   `json:"step2_init_base_ref_M1"`
	}
	readGzip(t, filepath.Join(golden, "traces_tiny", "c_sdpo.json.gz"), &g)
	for init, second := range map[string]trlRun{"previous": g.Step2, "base": g.Base} {
		t.Run(init, func(t *testing.T) {
			f := replay(t, filepath.Join(golden, "tiny"), [][]idPair{g.IDs1, g.IDs2}, fmt.Sprintf(
				"learning_rate = 1e-3\nwarmup_ratio = 0.1\nbatch_size = 8\nmax_length = 512\ntarget_init = %q\n", init))
			compareLogs(t, f, 1, g.Step1.Logs, g.IDs1, 8, 0)
			compareLogs(t, f, 2, second.Logs, g.IDs2, 8, 0)
			compareWeights(t, f.Path("step-1", "model"), g.Step1.Fingerprints, sumOfRates(g.Step1.Logs))
			compareWeights(t, f.Path("step-2", "model"), second.Fingerprints, sumOfRates(g.Step1.Logs)+sumOfRates(second.Logs))
		})
	}
}

// TestTRLLosses: two updates of every loss that TRL has, from a start that is
// not the reference.
func TestTRLLosses(t *testing.T) {
	golden := filepath.Join(testenv.Shared(t), "golden", "trl")
	var g struct {
		IDs    []idPair `json:"ids"`
		Losses []struct {
			Loss   string
			Params map[string]float64
			TRL    []trlLog
		}
	}
	readGzip(t, filepath.Join(golden, "traces_tiny", "b_losses_two_steps.json.gz"), &g)
	start := t.TempDir()
	if err := checkpoint.CarryOver(filepath.Join(golden, "tiny"), start, "float32"); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join(golden, "traces_tiny", "perturbed_start.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(start, "model.safetensors"), weights, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, l := range g.Losses {
		if l.Loss == "sft" {
			continue // TRL's is the mean over the batch's tokens, ours over pairs
		}
		t.Run(l.Loss, func(t *testing.T) {
			train := fmt.Sprintf("loss_type = %q\nreference = %q\nlearning_rate = 1e-3\nbatch_size = 8\nmax_length = 512\n", l.Loss, filepath.Join(golden, "tiny"))
			for name, value := range l.Params {
				train += fmt.Sprintf("%s = %v\n", name, value)
			}
			f := replay(t, start, [][]idPair{g.IDs}, train)
			// Without a warm-up the first step moves every weight by the full
			// rate, whatever the size of its gradient.
			compareLogs(t, f, 1, l.TRL, g.IDs, 8, 1)
		})
	}
}

// TestTRLSmolLM2: eight updates of the real model.
func TestTRLSmolLM2(t *testing.T) {
	golden := filepath.Join(testenv.Shared(t), "golden", "trl")
	model := testenv.SmolLM2(t)
	if testing.Short() {
		t.Skip("takes a minute")
	}
	var g struct {
		IDs          []idPair                 `json:"ids"`
		TRL          trlRun                   `json:"trl"`
		Fingerprints []map[string]fingerprint `json:"fingerprint_after_each_update"`
	}
	readGzip(t, filepath.Join(golden, "smollm2_dpo.json.gz"), &g)
	f := replay(t, model, [][]idPair{g.IDs}, "learning_rate = 5e-6\nwarmup_ratio = 0.1\nbatch_size = 4\nmax_length = 512\n")
	compareLogs(t, f, 1, g.TRL.Logs, g.IDs, 4, 0)
	compareWeights(t, f.Path("step-1", "model"), g.Fingerprints[len(g.Fingerprints)-1], sumOfRates(g.TRL.Logs))
}
