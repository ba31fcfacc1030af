package tokenizer

import (
	"encoding/json"
	"os"
	"testing"
)

// BenchmarkEncodeFile encodes the documents of the list $BENCH_TEXTS with the
// tokenizer $BENCH_TOKENIZER. testdata/bench.py runs it beside Hugging Face's library.
func BenchmarkEncodeFile(b *testing.B) {
	if os.Getenv("BENCH_TOKENIZER") == "" {
		b.Skip("run by testdata/bench.py")
	}
	tok, err := Load(os.Getenv("BENCH_TOKENIZER"))
	if err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(os.Getenv("BENCH_TEXTS"))
	if err != nil {
		b.Fatal(err)
	}
	var docs []string
	if err := json.Unmarshal(data, &docs); err != nil {
		b.Fatal(err)
	}
	size := 0
	for _, d := range docs {
		size += len(d)
	}
	for _, d := range docs { // the reference's cache is warm too, but for its first round
		tok.Encode(d, true)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, d := range docs {
			tok.Encode(d, true)
		}
	}
}
