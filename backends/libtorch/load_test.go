//go:build libtorch

package libtorch

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/backends/internal/backendtest"
	"github.com/stepwise-dpo/stepwise/backends/internal/settings"
	"github.com/stepwise-dpo/stepwise/core"
)

// Loading holds at most 1.2 of the largest shard of the files in memory, beside the
// weights.
func TestLoadReleasesFiles(t *testing.T) {
	dir := t.TempDir()
	backendtest.WriteModel(t, dir, backendtest.Small, 9<<20)
	shards, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil || len(shards) < 3 {
		t.Fatalf("shards %v, error %v", shards, err)
	}
	var largest int64
	for _, path := range shards {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	r := &fileWatch{t: t}
	load := func() {
		m, err := Backend{}.Open(core.WithReporter(background, r), dir, core.OpenOptions{
			DType: settings.Float32, Options: core.Options{"device": device},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	load() // brings in the program's own pages
	before := mappedBytes(t)
	r.most = 0
	load()
	t.Logf("%d bytes more of files in memory; the largest of %d shards has %d", r.most-before, len(shards), largest)
	if r.most == 0 || r.most-before > largest*6/5 {
		t.Errorf("%d bytes of files in memory, more than 1.2 of %d", r.most-before, largest)
	}
}

// A fileWatch keeps the most bytes of files in the process's memory.
type fileWatch struct {
	t    *testing.T
	most int64
}

func (w *fileWatch) Progress(string, int, int) { w.most = max(w.most, mappedBytes(w.t)) }
func (w *fileWatch) Note(string)               {}

// mappedBytes returns how many bytes of files are in the process's memory.
func mappedBytes(t *testing.T) int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("no /proc: the memory of a process is not known")
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == "RssFile:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Skip("the system does not say how much of the files is in memory")
	return 0
}
