package jinja

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
	"unicode/utf8"
)

// fuzzLimits let any template end within a second even on a machine busy with fuzzing.
var fuzzLimits = Limits{Steps: 100_000, Bytes: 4 << 20, Depth: 50}

// FuzzTemplate renders any template: it must end in text that is valid UTF-8 and no longer than the limit, or in an
// *Error, and soon.
func FuzzTemplate(f *testing.F) {
	vars, at, cases := readGoldens(f)
	for _, c := range cases {
		f.Add(c.Template)
	}
	f.Fuzz(func(t *testing.T, source string) {
		start := time.Now()
		template, err := Transformers.Parse(source)
		var result Result
		if err == nil {
			result, err = template.Render(vars, Options{Limits: fuzzLimits, Now: func() time.Time { return at }})
		}
		var failure *Error
		if err != nil && !errors.As(err, &failure) {
			t.Fatalf("the error %v is no *Error", err)
		}
		if !utf8.ValidString(result.Text) || len(result.Text) > fuzzLimits.Bytes {
			t.Fatalf("the text has %d bytes, valid UTF-8: %t", len(result.Text), utf8.ValidString(result.Text))
		}
		for _, s := range result.Generations {
			if s[0] < 0 || s[1] < s[0] || s[1] > len(result.Text) {
				t.Fatalf("the span %v of a text of %d bytes", s, len(result.Text))
			}
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Fatalf("took %s", d)
		}
	})
}

// FuzzJSON reads any JSON: what encoding/json refuses is refused, and what is read is the same after being written
// by tojson and read again.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"b": 1, "a": [1.5, null, true, "é\u00e9\ud83d\ude00"]}`, `"\ud800"`, `1e999`, `[`, `{"a": 1, "a": 2}`, `-0`, `12345678901234567890`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseJSON(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is no JSON", data)
		}
		written, err := tojsonFilter(newRuntime(DefaultLimits), &args{pos: []Value{v}})
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid([]byte(written.(string))) {
			return // it holds a float's Infinity, which JSON does not know
		}
		again, err := ParseJSON([]byte(written.(string)))
		if err != nil {
			t.Fatal(err)
		}
		if same, err := newRuntime(DefaultLimits).equal(v, again); err != nil || !same {
			t.Fatalf("%q read as %s, then as %s", data, shortRepr(v), shortRepr(again))
		}
	})
}
