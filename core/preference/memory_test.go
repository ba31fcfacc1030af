package preference

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// chatRows writes n conversations of about a kilobyte each.
func chatRows(t testing.TB, n int) string {
	t.Helper()
	var b strings.Builder
	answer := strings.Repeat("The river runs to the sea, and the sea is wide. ", 8)
	for i := range n {
		fmt.Fprintf(&b, `{"prompt":[{"role":"user","content":"Question %d: %s"}],"chosen":[{"role":"assistant","content":"%d %s"}],"rejected":[{"role":"assistant","content":"no %d"}]}`+"\n", i, answer, i, answer, i)
	}
	return write(t, "rows.jsonl", []byte(b.String()))
}

// payload is the bytes that pairs cannot do without: text once, four bytes an
// id, and the headers of both.
func payload(pairs []core.Pair) int {
	n := 0
	for _, p := range pairs {
		n += len(p.Prompt) + len(p.Chosen) + len(p.Rejected) + 4*(len(p.PromptIDs)+len(p.ChosenIDs)+len(p.RejectedIDs)) + 6*24
	}
	return n
}

// heap returns the bytes in use. The second collection empties sync.Pools.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestLoadMemory: what is left after loading is little more than the payload; in
// particular no completion keeps its prompt's text alive.
func TestLoadMemory(t *testing.T) {
	enc := newEncoder(t, "testdata/chatml", Profile{})
	path := chatRows(t, 4000)
	if _, _, _, err := Load(t.Context(), Spec{Path: path, Limit: 100}, enc, 1); err != nil { // warm the caches
		t.Fatal(err)
	}
	before := heap()
	train, _, _, err := Load(t.Context(), Spec{Path: path}, enc, 1)
	if err != nil {
		t.Fatal(err)
	}
	grown, need := heap()-before, payload(train.Pairs)
	if ratio := float64(grown) / float64(need); ratio > 1.2 {
		t.Errorf("%d bytes for a payload of %d: %.2f times", grown, need, ratio)
	}
	runtime.KeepAlive(train)
}

func BenchmarkLoad(b *testing.B) {
	enc := newEncoder(b, "testdata/chatml", Profile{})
	path := chatRows(b, 2000)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := Load(b.Context(), Spec{Path: path}, enc, 1); err != nil {
			b.Fatal(err)
		}
	}
}
