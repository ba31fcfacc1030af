package results

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// TestTables compares with tables that lm-eval printed.
func TestTables(t *testing.T) {
	compareTables(t, filepath.Join(testenv.Shared(t), "golden", "lm-eval-0.4.13", "table_goldens.json"), 16)
}

func compareTables(t *testing.T, path string, count int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := py.ParseJSON(bytes.ReplaceAll(data, []byte(": NaN"), []byte(`: "NaN"`)))
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases.([]any) {
		in := notANumber(c.(py.Object).Object("in")).(py.Object)
		want, _ := c.(py.Object).Get("table")
		if got := lmEvalTable(in, "results"); got != want {
			t.Errorf("case %d:\n%swant\n%s", i, got, want)
		}
	}
	if n := len(cases.([]any)); n != count {
		t.Errorf("%d cases, want %d", n, count)
	}
}

// notANumber puts NaN back where the file had it.
func notANumber(v any) any {
	switch v := v.(type) {
	case string:
		if v == "NaN" {
			return math.NaN()
		}
	case py.Object:
		for i := range v {
			v[i].Value = notANumber(v[i].Value)
		}
	}
	return v
}
