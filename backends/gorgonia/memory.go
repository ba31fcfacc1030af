package gorgonia

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// availableBytes returns how much memory the system and the process's control
// group have left, 0 where they do not say.
func availableBytes() int64 {
	available := memAvailable("/proc/meminfo")
	limit, used := number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current")
	if limit > 0 && (available == 0 || limit-used < available) {
		available = max(limit-used, 0)
	}
	return available
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
