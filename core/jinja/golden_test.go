package jinja

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// goldenCase is a template and what transformers' environment made of it: see testdata/make_goldens.py.
type goldenCase struct {
	Template string
	Vars     json.RawMessage
	Out      string
	Error    string
	Line     int
	Spans    [][2]int // in characters
	Address  bool     // Python's text holds an address in memory, which no one can repeat
}

func readGoldens(t testing.TB) (vars *Object, at time.Time, cases []goldenCase) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "goldens.json"))
	if err != nil {
		t.Fatal(err)
	}
	var goldens struct {
		Vars  json.RawMessage
		Time  string
		Cases []goldenCase
	}
	if err := json.Unmarshal(data, &goldens); err != nil {
		t.Fatal(err)
	}
	if at, err = time.Parse("2006-01-02T15:04:05.999999", goldens.Time); err != nil {
		t.Fatal(err)
	}
	v, err := ParseJSON(goldens.Vars)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*Object), at, goldens.Cases
}

func TestGoldens(t *testing.T) {
	vars, at, cases := readGoldens(t)
	for _, c := range cases {
		result, failure, line := renderCase(t, c, vars, at)
		if c.Address {
			if !strings.HasPrefix(failure, Unsupported+": ") {
				t.Errorf("%q: got %q %s, want it refused", c.Template, result.Text, failure)
			}
			continue
		}
		if failure != c.Error || c.Error == "" && result.Text != c.Out {
			t.Errorf("%q:\n got %q %s\nwant %q %s", c.Template, result.Text, failure, c.Out, c.Error)
			continue
		}
		// A SyntaxError comes from compiling what Jinja made of the template, whose lines are others.
		if line != c.Line && !strings.HasPrefix(c.Error, "SyntaxError") {
			t.Errorf("%q: %s in line %d, want %d", c.Template, failure, line, c.Line)
		}
		if spans := runeSpans(result); !equalSpans(spans, c.Spans) {
			t.Errorf("%q: generations at %v, want %v", c.Template, spans, c.Spans)
		}
	}
}

func renderCase(t *testing.T, c goldenCase, vars *Object, at time.Time) (result Result, failure string, line int) {
	t.Helper()
	if c.Vars != nil {
		more, err := ParseJSON(c.Vars)
		if err != nil {
			t.Fatal(err)
		}
		vars = vars.clone()
		for _, name := range more.(*Object).Keys() {
			v, _ := more.(*Object).Get(name)
			vars.Set(name, v)
		}
	}
	template, err := Transformers.Parse(c.Template)
	if err == nil {
		result, err = template.Render(vars, Options{Now: func() time.Time { return at }})
	}
	if err != nil {
		e := err.(*Error)
		return result, e.Kind + ": " + e.Message, e.Line
	}
	return result, "", 0
}

func runeSpans(r Result) [][2]int {
	var spans [][2]int
	for _, s := range r.Generations {
		spans = append(spans, [2]int{utf8.RuneCountInString(r.Text[:s[0]]), utf8.RuneCountInString(r.Text[:s[1]])})
	}
	return spans
}

func equalSpans(a, b [][2]int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestUnicode compares the text methods with Python's on every character that its Unicode has assigned.
func TestUnicode(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through all of Unicode for each method")
	}
	data, err := os.ReadFile(filepath.Join("testdata", "unicode.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Ranges [][2]rune
		SHA256 map[string]string
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for name, want := range golden.SHA256 {
		t.Run(name, func(t *testing.T) {
			h := sha256.New()
			for _, r := range golden.Ranges {
				for c := r[0]; c <= r[1]; c++ {
					for _, text := range []string{string(c), "a" + string(c) + "B"} {
						io.WriteString(h, callMethod(t, text, name)+"\n")
					}
				}
			}
			if got := hex.EncodeToString(h.Sum(nil)); got != want {
				t.Errorf("str.%s differs from Python's somewhere", name)
			}
		})
	}
}

func callMethod(t *testing.T, text, name string) string {
	t.Helper()
	rt := newRuntime(DefaultLimits)
	v, err := stringMethods[name](rt, text, &args{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := rt.str(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Clone(s)
}
