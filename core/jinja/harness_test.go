package jinja

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestHarness compares with what jinja2 made in lm-evaluation-harness's environment: see testdata/make_harness.py.
func TestHarness(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "harness.json"))
	if err != nil {
		t.Fatal(err)
	}
	var goldens struct {
		Doc    json.RawMessage
		Cases  []struct{ Template, Out, Error string }
		Values []struct {
			Template string
			Value    json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &goldens); err != nil {
		t.Fatal(err)
	}
	doc := parsed(t, goldens.Doc).(*Object)
	for _, c := range goldens.Cases {
		got, failure := "", ""
		template, err := Harness.Parse(c.Template)
		if err == nil {
			var result Result
			result, err = template.Render(doc, Options{})
			got = result.Text
		}
		if err != nil {
			got, failure = "", err.(*Error).Kind+": "+err.(*Error).Message
		}
		if got != c.Out || failure != c.Error {
			t.Errorf("%q:\n got %q %s\nwant %q %s", c.Template, got, failure, c.Out, c.Error)
		}
	}
	for _, c := range goldens.Values {
		template, err := Harness.Parse(c.Template)
		if err != nil || !template.IsExpression() {
			t.Errorf("%q is no expression: %v", c.Template, err)
			continue
		}
		got, err := template.Value(doc, Options{})
		if err != nil || shortRepr(got) != shortRepr(parsed(t, c.Value)) {
			t.Errorf("%q is %s, %v, want %s", c.Template, shortRepr(got), err, c.Value)
		}
	}
}

func parsed(t *testing.T, data []byte) Value {
	t.Helper()
	v, err := ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestIsExpression: what stands beside an expression makes a template text.
func TestIsExpression(t *testing.T) {
	for source, want := range map[string]bool{"{{ x }}": true, "{{x}}\n": false, "a": false, "": false, "{{x}}{{y}}": false, "{% if x %}{% endif %}": false} {
		template, err := Harness.Parse(source)
		if err != nil || template.IsExpression() != want {
			t.Errorf("%q: %v, want %t", source, err, want)
		}
	}
}

// TestRegexReplace refuses what .NET's expressions see otherwise than Python's.
func TestRegexReplace(t *testing.T) {
	for _, source := range []string{`{{ 'a' | regex_replace('a\\\\Z', '') }}`, `{{ 'e\u0301' | regex_replace('\\\\w', '') }}`, `{{ 'a' | regex_replace('(?P<x>a)', '') }}`, `{{ 'a' | regex_replace('(a)', '\\1') }}`, `{{ 'a' | regex_replace('a', 'b', count=1) }}`} {
		template, err := Harness.Parse(source)
		if err == nil {
			_, err = template.Render(NewObject(), Options{})
		}
		if e, ok := err.(*Error); !ok || e.Kind != Unsupported {
			t.Errorf("%s: error %v, want it refused", source, err)
		}
	}
}
