package multiplechoice

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// TestTemplateValues: what a document holds goes through a template unchanged.
func TestTemplateValues(t *testing.T) {
	v, err := py.ParseJSON([]byte(`{"all": {"b": [null, true, 1, 2.5, "x", 123456789012345678901], "a": {}}, "empty": [], "NaN": "y"}`))
	if err != nil {
		t.Fatal(err)
	}
	doc := v.(py.Object)
	for _, m := range doc {
		tmpl, err := parseExpression(m.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tmpl.value(doc); err != nil || !reflect.DeepEqual(got, m.Value) {
			t.Errorf("%s is %#v, %v, want %#v", m.Key, got, err, m.Value)
		}
	}
	for source, want := range map[string]any{
		"{{all.keys()}}": []any{"b", "a"}, "{{all.b[5]}}": json.Number("123456789012345678901"), "{{all.b[3]}} ": "2.5 ",
	} {
		tmpl, err := parseTemplate(source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tmpl.value(doc); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, %v, want %#v", source, got, err, want)
		}
	}
}

// TestTemplateFaults wants errors that name the template and what is wrong.
func TestTemplateFaults(t *testing.T) {
	doc := py.Object{{Key: "q", Value: "x"}, {Key: "n", Value: int64(1)}}
	for source, want := range map[string]string{
		"{{p}}":        `template "{{p}}": line 1: UndefinedError: 'p' is undefined; the document has: q, n`,
		"{{q":          `template "{{q": line 1: TemplateSyntaxError: unexpected end of template`,
		"{{q + n}}":    "can only concatenate str",
		"{{ {n: 1} }}": "keys that are no texts",
		"{{range}}":    "which no document can hold",
	} {
		tmpl, err := parseTemplate(source)
		if err == nil {
			_, err = tmpl.value(doc)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v lacks %q", source, err, want)
		}
	}
	for _, source := range []string{"", "a b", "a }}", "a }}{{ b", "q }} x {{ q"} {
		if _, err := parseExpression(source); err == nil || !strings.Contains(err.Error(), "expression") {
			t.Errorf("expression %q: error %v", source, err)
		}
	}
}
