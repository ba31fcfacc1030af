//go:build libtorch

package libtorch

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core"
)

// options are the backend's own.
type options struct {
	Device         string  `json:"device"`          // "cpu", "cuda:N", or "auto": the first GPU, else the processor
	Threads        int     `json:"threads"`         // of an operation on the processor; 0 = one a core
	Deterministic  bool    `json:"deterministic"`   // only operations whose result does not depend on timing
	MemoryFraction float64 `json:"memory_fraction"` // of a GPU's memory that the process may take
	MasterWeights  bool    `json:"master_weights"`  // train float32 weights beside the bfloat16 ones that operations read
	// Activations anew in the backward pass, a third more work and less memory; "auto":
	// where the micro-batch would not fit otherwise.
	Checkpointing checkpointing `json:"checkpointing"`
}

// A checkpointing says which micro-batches have their activations made anew.
type checkpointing string

const (
	always checkpointing = "true"
	never  checkpointing = "false"
	auto   checkpointing = "auto"
)

// UnmarshalJSON reads true, false or "auto".
func (c *checkpointing) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true":
		*c = always
	case "false":
		*c = never
	case `"auto"`:
		*c = auto
	default:
		return fmt.Errorf("checkpointing is true, false or %q, not %s", auto, text)
	}
	return nil
}

func decode(o core.OpenOptions) (options, error) {
	own := options{Device: "auto", MemoryFraction: 1, MasterWeights: true, Checkpointing: auto}
	if err := o.Options.Decode(&own); err != nil {
		return own, err
	}
	if err := settings.CheckDType(o.DType); err != nil {
		return own, err
	}
	var err error
	if own.Threads, err = settings.Threads(own.Threads); err != nil {
		return own, err
	}
	if !(own.MemoryFraction > 0 && own.MemoryFraction <= 1) {
		return own, fmt.Errorf("option %q: %g is not above 0 and at most 1", "memory_fraction", own.MemoryFraction)
	}
	if !own.MasterWeights && o.DType == settings.Float32 {
		return own, fmt.Errorf("option %q: false is for dtype %q; with %q the weights are float32", "master_weights", settings.BF16, o.DType)
	}
	if own.Device == "cpu" && own.MemoryFraction != 1 {
		return own, fmt.Errorf("option %q: it is of a GPU's memory, and the device is %q", "memory_fraction", own.Device)
	}
	return own, nil
}

// device finds the device that the options name.
func (o options) device() (torch.Device, error) {
	if o.Device == "cpu" {
		return torch.CPU, nil
	}
	index := 0
	if o.Device != "auto" {
		number, ok := strings.CutPrefix(o.Device, "cuda:")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 {
			return 0, fmt.Errorf("option %q: %q is not a device (auto, cpu, cuda:0, cuda:1 and so on)", "device", o.Device)
		}
		index = n
	}
	var count int
	err := torch.Do(func() error {
		count = torch.LoadCUDA(o.MemoryFraction)
		return nil
	})
	switch {
	case err != nil && o.Device == "auto":
		return torch.CPU, nil
	case err != nil:
		return 0, fmt.Errorf("option %q: %q: %w; see nvidia-smi, or set device = %q", "device", o.Device, err, "cpu")
	case index >= count:
		return 0, fmt.Errorf("option %q: %q: the machine has %d CUDA devices, the last is cuda:%d", "device", o.Device, count, count-1)
	}
	return torch.Device(index), nil
}

// dtype returns the type that operations compute in.
func dtype(name string) torch.DType {
	if name == settings.BF16 {
		return torch.BFloat16
	}
	return torch.Float32
}
