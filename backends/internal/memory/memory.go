// Package memory says how much of the host's memory a process can have.
package memory

import (
	"bufio"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Available returns the bytes that the process can have in all: what it holds, and
// what the system and, in a container, its control group have left without swapping; 0
// where they do not say. It knows Linux.
func Available() int64 { return available(os.DirFS("/")) }

func available(root fs.FS) int64 {
	left, known := field(root, "proc/meminfo", "MemAvailable:")
	if !known {
		return 0
	}
	left <<= 10
	const group = "sys/fs/cgroup/"
	if limit, limited := number(root, group+"memory.max"); limited {
		used, _ := number(root, group+"memory.current")
		cached, _ := field(root, group+"memory.stat", "inactive_file") // given back when memory is short
		left = min(left, max(limit-used+cached, 0))
	}
	own, _ := field(root, "proc/self/status", "RssAnon:")
	return left + own<<10
}

// field returns the number after a word at the beginning of a line.
func field(root fs.FS, path, word string) (n int64, ok bool) {
	f, err := root.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) >= 2 && fields[0] == word {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// number reads a file that holds one number.
func number(root fs.FS, path string) (n int64, ok bool) {
	text, err := fs.ReadFile(root, path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}
