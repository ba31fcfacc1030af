package backendtest

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// childVariable makes a test process the one whose memory is measured: it holds the
// model's folder and how it is to be opened, in JSON.
const childVariable = "STEPWISE_FORECAST_CHILD"

type child struct {
	Dir     string
	Options core.OpenOptions
}

// CheckForecast compares the forecast of memory for each of the options with what a
// process of its own needs, to a tolerance relative to that.
func CheckForecast(t *testing.T, b core.Backend, tolerance float64, options ...core.OpenOptions) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc: the peak of a process is not known")
	}
	shape := core.ItemShape{Prompt: 400, Completions: []int{400, 300}}
	shapes := []core.ItemShape{shape, shape}
	if text := os.Getenv(childVariable); text != "" {
		trainOnce(t, b, text, shapes)
		return
	}
	dir := t.TempDir()
	WriteModel(t, dir, Small, 0)
	for _, o := range options {
		o.Train = true
		f, err := b.(core.Forecaster).Forecast(t.Context(), dir, o, core.Workload{MicroBatch: shapes})
		if err != nil {
			t.Fatal(err)
		}
		peak := childPeak(t, child{dir, o})
		ratio := float64(f.PeakBytes) / float64(peak)
		t.Logf("%+v: forecast %d MB, peak %d MB, ratio %.3f; %.0f tokens/s", o, f.PeakBytes>>20, peak>>20, ratio, f.TokensPerSecond)
		if math.Abs(ratio-1) > tolerance {
			t.Errorf("%+v: forecast %d MB, peak %d MB", o, f.PeakBytes>>20, peak>>20)
		}
		if f.TokensPerSecond <= 0 || f.AvailableBytes <= 0 {
			t.Errorf("forecast %+v", f)
		}
	}
}

// childPeak runs the training in a process of its own and returns its peak in bytes.
func childPeak(t *testing.T, c child) int64 {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
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

// trainOnce takes two updates of items of the shapes and prints the process's status.
func trainOnce(t *testing.T, b core.Backend, text string, shapes []core.ItemShape) {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	m := open(t, b, c.Dir, c.Options)
	items := itemsOf(shapes, Small["vocab_size"].(int))
	for range 2 {
		if err := m.Accumulate(t.Context(), items, DPOWeights); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Update(t.Context(), core.Update{LearningRate: 1e-6, Optimizer: Optimizers["adamw"]}); err != nil {
			t.Fatal(err)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(string(status))
}
