package bench

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/config"
)

//go:embed torch.py
var torchScript string

// torch is a Python interpreter that runs torch.py.
type torch struct {
	python string
	setup  torchSetup
	loaded torchAnswer

	process *exec.Cmd // nil before prepare
	in      io.WriteCloser
	answers *json.Decoder
	log     *os.File // its standard error
	ended   bool     // without being asked to
}

// torchSetup is the script's first line.
type torchSetup struct {
	Model   string      `json:"model"`
	DType   string      `json:"dtype"`
	Device  string      `json:"device"`
	Threads int         `json:"threads"`
	Beta    float64     `json:"beta"`
	Items   []core.Item `json:"items"`
}

// torchReport is what the script answers to "load".
type torchReport struct {
	Torch         string `json:"torch"`
	Transformers  string `json:"transformers"`
	Device        string `json:"device"`
	Threads       int    `json:"threads"`
	Attention     string `json:"attention"`
	Checkpointing bool   `json:"checkpointing"`            // activations made anew, for it ran out of memory otherwise
	PeakBytes     int64  `json:"peak_bytes"`               // that tensors took on a GPU; else of the process
	ReservedBytes int64  `json:"reserved_bytes,omitempty"` // of a GPU, what PyTorch took for tensors
	UsedBefore    int64  `json:"used_before,omitempty"`    // bytes of a GPU that others, and CUDA itself, held before PyTorch took any

	Apart   bool    `json:"apart"`           // timed after ours had ended, for the memory does not hold both
	Differs float64 `json:"logps_differ_by"` // most nats between ours of a completion and its own, before the first update
}

// torchAnswer is one line of the script's.
type torchAnswer struct {
	Error       string  `json:"error"`
	Missing     bool    `json:"missing"` // a package
	OutOfMemory bool    `json:"out_of_memory"`
	Seconds     float64 `json:"seconds"`
	torchReport
	LogProbs []float64 `json:"logps"` // of the completions before the first update, in nats: all chosen, then all rejected
}

// newTorch describes the work as the backend's settings do: the same device, as many
// threads.
func newTorch(python, model string, b config.Backend, items []core.Item) *torch {
	s := torchSetup{Model: model, DType: b.DType, Device: "auto", Threads: runtime.GOMAXPROCS(0), Beta: beta, Items: items}
	if n, ok := b.Options["threads"].(int64); ok && n > 0 {
		s.Threads = int(n)
	}
	if device, ok := b.Options["device"].(string); ok {
		s.Device = device
	} else if b.Name == "gorgonia" {
		s.Device = "cpu" // it has no other
	}
	return &torch{python: python, setup: s}
}

// prepare starts the interpreter, the first time, and has it load the model: beside
// ours then, else with the device for itself.
func (t *torch) prepare(ctx context.Context) (err error) {
	request := "load"
	if t.process == nil {
		request = "load beside"
		if err := t.start(ctx); err != nil {
			return fmt.Errorf("--pytorch: %w", err)
		}
	}
	t.loaded, err = t.ask(request)
	return err
}

func (t *torch) start(ctx context.Context) (err error) {
	p := exec.CommandContext(ctx, t.python, "-c", torchScript)
	if t.log, err = os.Create(filepath.Join(t.setup.Model, "pytorch.log")); err != nil {
		return err
	}
	p.Stderr = t.log
	if t.in, err = p.StdinPipe(); err != nil {
		return err
	}
	out, err := p.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return err
	}
	t.process, t.answers = p, json.NewDecoder(out)
	return t.send(t.setup)
}

// send writes a line. An interpreter that has ended is found when its answer is read.
func (t *torch) send(line any) error {
	raw, err := json.Marshal(line)
	if err == nil {
		_, _ = t.in.Write(append(raw, '\n'))
	}
	return err
}

// ask sends a request and waits for its answer.
func (t *torch) ask(request string) (a torchAnswer, err error) {
	if err := t.send(request); err != nil {
		return a, err
	}
	if err := t.answers.Decode(&a); err != nil {
		t.ended = true
		return a, fmt.Errorf("PyTorch: %q ended without an answer", t.python)
	}
	switch {
	case a.Missing:
		return a, fmt.Errorf("PyTorch: %s; install what is missing: %s -m pip install torch 'transformers>=4.56'", a.Error, t.python)
	case a.OutOfMemory:
		return a, fmt.Errorf("PyTorch: %w; take fewer --pairs or --tokens, or a smaller --shape: %s", errNoMemory, a.Error)
	case a.Error != "":
		return a, fmt.Errorf("PyTorch: %s", a.Error)
	}
	return a, nil
}

// time has the work done once and returns how long it took, in seconds.
func (t *torch) time(_ context.Context, work string) (float64, error) {
	a, err := t.ask(work)
	return a.Seconds, err
}

// close ends the interpreter and says how one has ended that was not asked to.
func (t *torch) close() error {
	if t.process == nil {
		return nil
	}
	err := errors.Join(t.in.Close(), t.process.Wait(), t.log.Close())
	if !t.ended {
		return err
	}
	if err == nil {
		err = errors.New("exit status 0")
	}
	printed, _ := os.ReadFile(t.log.Name())
	lines := strings.Split(string(bytes.TrimSpace(printed)), "\n")
	return fmt.Errorf("%w; it printed last: %s", err, strings.Join(lines[max(0, len(lines)-5):], "\n"))
}

// report tells what it ran on; reference are ours of the same completions.
func (t *torch) report(apart bool, reference [][]core.Score) *torchReport {
	r := t.loaded.torchReport
	r.Apart = apart
	for i, logp := range t.loaded.LogProbs {
		r.Differs = max(r.Differs, math.Abs(logp-reference[i%len(reference)][i/len(reference)].LogProb))
	}
	return &r
}
