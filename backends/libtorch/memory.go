//go:build libtorch

package libtorch

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
)

// available returns how much memory a device has left for the process: of a GPU
// what is free within the fraction that the options allow, of the host what the
// system and the control group have left; 0 where they do not say.
func available(device torch.Device, o options) (bytes int64, err error) {
	if device == torch.CPU {
		return hostBytes(), nil
	}
	err = torch.Do(func() error {
		free, total := torch.Memory(device)
		bytes = min(free, int64(o.MemoryFraction*float64(total)))
		return nil
	})
	return bytes, err
}

func hostBytes() int64 {
	left := memAvailable("/proc/meminfo")
	limit, used := number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current")
	if limit > 0 && (left == 0 || limit-used < left) {
		left = max(limit-used, 0)
	}
	return left
}

// memAvailable reads Linux's estimate of what can be had without swapping.
func memAvailable(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == "MemAvailable:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// number reads a file that holds one number, 0 where it does not.
func number(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}
