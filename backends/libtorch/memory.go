//go:build libtorch

package libtorch

import (
	"github.com/stepwise-dpo/stepwise/backends/internal/memory"
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
)

// available returns how much memory a device has for the process in all: of a GPU
// what is free and what the process holds, within the fraction that the options
// allow; of the host see there.
func available(device torch.Device, o options) (bytes int64, err error) {
	if device == torch.CPU {
		return memory.Available(), nil
	}
	err = torch.Do(func() error {
		free, total, held := torch.Memory(device)
		bytes = min(free+held, int64(o.MemoryFraction*float64(total)))
		return nil
	})
	return bytes, err
}
