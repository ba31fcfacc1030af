package coretest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
)

var errClosed = errors.New("the model is closed")

const (
	modelType   = "stepwise-coretest"
	weightsFile = "model.safetensors"
	stateFile   = "optimizer.safetensors"
)

// Backend opens the folders that Model.Save and WriteModel write.
type Backend struct{}

var (
	_ core.Backend    = Backend{}
	_ core.Forecaster = Backend{}
)

// Check implements core.Backend. The backend has no options of its own.
func (Backend) Check(_ context.Context, o core.OpenOptions) error {
	if o.DType != "float32" {
		return fmt.Errorf("dtype %q is not one of this backend; use \"float32\"", o.DType)
	}
	return o.Options.Decode(&struct{}{})
}

// Open implements core.Backend.
func (b Backend) Open(ctx context.Context, path string, o core.OpenOptions) (core.Model, error) {
	if err := b.Check(ctx, o); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := readModel(path)
	if err != nil {
		return nil, err
	}
	if o.State != "" {
		if err := m.optimizer.read(filepath.Join(o.State, stateFile), m.tensors()); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Forecast implements core.Forecaster: the bytes of weights, gradients and two
// moments, and of what a micro-batch keeps for its backward pass.
func (Backend) Forecast(_ context.Context, path string, _ core.OpenOptions, w core.Workload) (core.Forecast, error) {
	m, err := readModel(path)
	if err != nil {
		return core.Forecast{}, err
	}
	numbers := 0
	for _, t := range m.tensors() {
		numbers += 4 * len(t.value)
	}
	for _, item := range w.MicroBatch {
		for _, n := range item.Completions {
			numbers += (item.Prompt+n)*m.hidden + n*(m.hidden+m.vocab)
		}
	}
	return core.Forecast{PeakBytes: 8 * int64(numbers)}, nil
}

type configuration struct {
	ModelType  string `json:"model_type"`
	VocabSize  int    `json:"vocab_size"`
	HiddenSize int    `json:"hidden_size"`
}

func readModel(dir string) (*Model, error) {
	var c configuration
	raw, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("config.json of %q: %w", dir, err)
	}
	if c.ModelType != modelType {
		return nil, fmt.Errorf("model_type %q of %q: this backend opens %q only", c.ModelType, dir, modelType)
	}
	m := newModel(c.VocabSize, c.HiddenSize)
	tensors, err := readSafetensors(filepath.Join(dir, weightsFile))
	if err != nil {
		return nil, err
	}
	for _, t := range m.tensors() {
		s, ok := tensors[t.name]
		if !ok || !slices.Equal(s.shape, t.shape) {
			return nil, fmt.Errorf("%q has no tensor %q of shape %v", dir, t.name, t.shape)
		}
		copy(t.value, s.value)
	}
	return m, nil
}

// Save implements core.Model. It writes config.json too, so that dir can be
// opened.
func (m *Model) Save(ctx context.Context, dir string, o core.SaveOptions) error {
	if m.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	dtype, ok := map[string]string{"float32": "F32", "bf16": "BF16"}[o.DType]
	if !ok {
		return fmt.Errorf("dtype %q is not one of this backend; use \"float32\" or \"bf16\"", o.DType)
	}
	config, err := json.Marshal(configuration{modelType, m.vocab, m.hidden})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644); err != nil {
		return err
	}
	if o.State {
		if err := m.optimizer.write(filepath.Join(dir, stateFile), m.tensors()); err != nil {
			return err
		}
	}
	tensors := map[string]stored{}
	for _, t := range m.tensors() {
		tensors[t.name] = stored{dtype, t.shape, t.value}
	}
	return writeSafetensors(filepath.Join(dir, weightsFile), tensors)
}

// Close implements core.Model.
func (m *Model) Close() error {
	m.closed = true
	return nil
}

// WriteModel writes NewModel(vocab, hidden, seed) into dir, which it makes.
func WriteModel(dir string, vocab, hidden int, seed uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return NewModel(vocab, hidden, seed).Save(context.Background(), dir, core.SaveOptions{DType: "float32"})
}

// write stores the moments as "adamw.TENSOR.first" and so on, and the number of
// steps as a tensor of that name.
func (o *optimizer) write(path string, tensors []*tensor) error {
	out := map[string]stored{}
	if o.name != "" {
		out[o.name+".steps"] = stored{"F64", []int{}, []float64{float64(o.steps)}}
		for i, t := range tensors {
			out[o.name+"."+t.name+".first"] = stored{"F64", t.shape, o.first[i]}
			out[o.name+"."+t.name+".second"] = stored{"F64", t.shape, o.second[i]}
		}
	}
	return writeSafetensors(path, out)
}

func (o *optimizer) read(path string, tensors []*tensor) error {
	in, err := readSafetensors(path)
	if err != nil {
		return fmt.Errorf("optimizer state: %w", err)
	}
	for _, name := range []string{"adamw", "rmsprop"} {
		steps, ok := in[name+".steps"]
		if !ok {
			continue
		}
		o.name, o.steps = name, int(steps.value[0])
		for _, t := range tensors {
			first, second := in[name+"."+t.name+".first"], in[name+"."+t.name+".second"]
			if len(first.value) != len(t.value) || len(second.value) != len(t.value) {
				return fmt.Errorf("optimizer state %q does not belong to this model: tensor %q", path, t.name)
			}
			o.first, o.second = append(o.first, first.value), append(o.second, second.value)
		}
	}
	return nil
}
