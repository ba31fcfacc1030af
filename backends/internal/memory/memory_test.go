package memory

import (
	"testing"
	"testing/fstest"
)

func TestAvailable(t *testing.T) {
	const meminfo, status = "MemTotal: 9000 kB\nMemAvailable:    5000 kB\n", "Name: x\nRssAnon:\t  100 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no Linux":             {nil, 0},
		"system":               {map[string]string{"proc/meminfo": meminfo}, 5000 << 10},
		"what the process has": {map[string]string{"proc/meminfo": meminfo, "proc/self/status": status}, 5100 << 10},
		"no limit":             {map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "max\n"}, 5000 << 10},
		"group": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/status": status, "sys/fs/cgroup/memory.max": "3072000\n",
			"sys/fs/cgroup/memory.current": "2048000\n", "sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 1024000\n",
		}, 2000<<10 + 100<<10},
		"group over its limit": {map[string]string{
			"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "100\n", "sys/fs/cgroup/memory.current": "200\n",
		}, 0},
	} {
		root := fstest.MapFS{}
		for path, text := range c.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := available(root); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
