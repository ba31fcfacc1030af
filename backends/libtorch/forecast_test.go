//go:build libtorch

package libtorch

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// makeModel writes a model of random weights, in shards of a size where it is not 0.
func makeModel(t testing.TB, dir string, config map[string]any, shard int64) {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	a, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := checkpoint.NewWriter(dir, "float32", a.Params(), shard)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, p := range a.Params() {
		values := make([]float32, p.Size())
		for i := range values {
			values[i] = 0.05 * (rng.Float32() - 0.5)
			if p.Role == checkpoint.RoleNorm {
				values[i]++
			}
		}
		if err := w.Write(p.Name, values); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// small is a model that a test can afford and whose activations outweigh the process.
var small = map[string]any{
	"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama", "hidden_act": "silu", "dtype": "float32",
	"vocab_size": 8192, "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6,
	"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
	"rope_theta": 10000.0, "tie_word_embeddings": true,
}

// The forecast of memory is within 20 % of what a process of its own needs.
func TestForecastMemory(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc: the peak of a process is not known")
	}
	shape := core.ItemShape{Prompt: 400, Completions: []int{400, 300}}
	if dir := os.Getenv("FORECAST_MODEL"); dir != "" {
		trainOnce(t, dir, shape)
		return
	}
	dir := t.TempDir()
	makeModel(t, dir, small, 0)
	for _, c := range []struct {
		dtype         string
		checkpointing bool
	}{{float32Name, false}, {float32Name, true}, {bf16, false}} {
		o := core.OpenOptions{DType: c.dtype, Train: true, Options: core.Options{"checkpointing": c.checkpointing, "threads": 2, "device": "cpu"}}
		f, err := Backend{}.Forecast(background, dir, o, core.Workload{MicroBatch: []core.ItemShape{shape, shape}})
		if err != nil {
			t.Fatal(err)
		}
		peak := childPeak(t, dir, o)
		ratio := float64(f.PeakBytes) / float64(peak)
		t.Logf("%+v: forecast %d MB, peak %d MB, ratio %.3f; %.0f tokens/s", c, f.PeakBytes>>20, peak>>20, ratio, f.TokensPerSecond)
		if ratio < .8 || ratio > 1.2 {
			t.Errorf("%+v: forecast %d MB, peak %d MB", c, f.PeakBytes>>20, peak>>20)
		}
		if f.TokensPerSecond <= 0 || f.AvailableBytes <= 0 {
			t.Errorf("forecast %+v", f)
		}
	}
}

// childPeak runs the training in a process of its own and returns its peak.
func childPeak(t *testing.T, dir string, o core.OpenOptions) int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestForecastMemory$", "-test.v")
	cmd.Env = append(os.Environ(), "FORECAST_MODEL="+dir, "FORECAST_DTYPE="+o.DType,
		fmt.Sprint("FORECAST_CHECKPOINTING=", o.Options["checkpointing"]))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, rest, ok := strings.Cut(string(out), "VmHWM:")
	if !ok {
		t.Fatalf("no peak in %s", out)
	}
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// trainOnce takes two updates of two items of a shape and prints the process's status.
func trainOnce(t *testing.T, dir string, shape core.ItemShape) {
	m := open(t, dir, core.OpenOptions{DType: os.Getenv("FORECAST_DTYPE"), Train: true, Options: core.Options{
		"checkpointing": os.Getenv("FORECAST_CHECKPOINTING") == "true", "threads": 2, "device": "cpu",
	}})
	rng := rand.New(rand.NewPCG(1, 1))
	tokens := func(n int) []int32 {
		ids := make([]int32, n)
		for i := range ids {
			ids[i] = int32(rng.IntN(8192))
		}
		return ids
	}
	items := make([]core.Item, 2)
	for i := range items {
		items[i].Prompt = tokens(shape.Prompt)
		for _, c := range shape.Completions {
			items[i].Completions = append(items[i].Completions, tokens(c))
		}
	}
	for range 2 {
		accumulate(t, m, items, dpoWeights)
		update(t, m, core.Update{LearningRate: 1e-6, Optimizer: optimizers["adamw"]})
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(string(status))
}

func TestForecastRefuses(t *testing.T) {
	for want, shape := range map[string]core.ItemShape{
		"item 0: a prompt of 0 tokens":   {Completions: []int{1}},
		"item 0, completion 1: 0 tokens": {Prompt: 1, Completions: []int{1, 0}},
	} {
		_, err := Backend{}.Forecast(background, tiny, core.OpenOptions{DType: float32Name, Options: core.Options{"device": device}},
			core.Workload{MicroBatch: []core.ItemShape{shape}})
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
