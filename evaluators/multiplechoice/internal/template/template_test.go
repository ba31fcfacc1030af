package template

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

var doc = func() py.Object {
	v, err := py.ParseJSON([]byte(`{"q": " Why {so}? ", "choices": {"text": ["a", "b"], "label": ["1", "2"]}, "key": "2", "n": 3, "flag": true, "none": null, "empty": []}`))
	if err != nil {
		panic(err)
	}
	return v.(py.Object)
}()

// The texts are what Jinja 3.1 makes of the same templates, but for the last
// group, which is beyond Jinja.
func TestText(t *testing.T) {
	for source, want := range map[string]string{
		"":                                       "",
		"plain { brace }":                        "plain { brace }",
		"Q:{{q}}\nA:":                            "Q: Why {so}? \nA:",
		"{{ q.strip() }}|{{q | trim}}":           "Why {so}?|Why {so}?",
		"{{choices.text[0]}}{{n}}":               "a3",
		"{{choices['label'][-1]}}":               "2",
		"{{choices.label.index(key)}}":           "1",
		"{% set p = 'x\\ny' %}{{p + q}}":         "x\ny Why {so}? ",
		"{{flag}} {{none}}":                      "True None",
		"{{n ~ 'rd' ~ n}}":                       "3rd3",
		"{{ {'2': 'two'}.get(key) }}":            "two",
		"{{ {'1': 'one'}.get(key, key)}}":        "2",
		`{{"it's" | replace("'", '"')}}`:         `it"s`,
		"{{'a-b-c'.split('-', 1)[1]}}":           "b-c",
		"{{'a.b' | regex_replace('[.]', '$1')}}": "a$1b",
		"{{('ab' + 'c') | upper}}":               "ABC",
		"{{choices.text | join(', ')}}":          "a, b",
		"{{choices.text | length + 1}}":          "3",
		"{{'7' | int + n}}":                      "10",
		"{{'ΑΣ'.capitalize()}}":                  "Ας",
		"{{'\\[x\\]'}}":                          `\[x\]`,
	} {
		tmpl, err := Parse(source)
		if err != nil {
			t.Errorf("%q: %v", source, err)
			continue
		}
		if got, err := tmpl.Text(doc); err != nil || got != want {
			t.Errorf("%q gives %q, %v, want %q", source, got, err, want)
		}
	}
}

func TestValue(t *testing.T) {
	for source, want := range map[string]any{
		"{{choices.text}}":                                  []any{"a", "b"},
		"{{[key, n]}}":                                      []any{"2", int64(3)},
		"{{[]}}":                                            []any{},
		"{{[t + '!' for t in choices.text]}}":               []any{"a!", "b!"},
		"{{choices.text[:1] + empty}}":                      []any{"a"},
		"{{choices.label[:9]}}":                             []any{"1", "2"},
		"{{choices.keys()}}":                                []any{"text", "label"},
		"{{choices.values()[1]}}":                           []any{"1", "2"},
		"{{ {'a': n, 'b': [n]} }}":                          py.Object{{Key: "a", Value: int64(3)}, {Key: "b", Value: []any{int64(3)}}},
		"{{[['1', '2'].index(key) for key in ['2', '1']]}}": []any{int64(1), int64(0)},
		"{{'a-b-c'.split('-', -1)}}":                        []any{"a", "b", "c"},
		"{{'a-b-c'.split('-', 0)}}":                         []any{"a-b-c"},
		"{{n}}":                                             int64(3),
		"{{n}}.":                                            "3.",
	} {
		tmpl, err := Parse(source)
		if err != nil {
			t.Errorf("%q: %v", source, err)
			continue
		}
		if got, err := tmpl.Value(doc); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q gives %#v, %v, want %#v", source, got, err, want)
		}
	}
}

// TestFaults wants an error that says what is wrong, when parsing or rendering.
func TestFaults(t *testing.T) {
	for source, want := range map[string]string{
		"{{":                                   "it ends where a value should stand",
		"{{q":                                  "it ends where }} should stand",
		"{{q}":                                 `"}" where }} should stand`,
		"{{'q}}":                               "a string without its closing '",
		"{% if q %}":                           `"if" where set should stand`,
		"{{q.title()}}":                        "a method (capitalize, get,",
		"{{q | title}}":                        "a filter (capitalize, int,",
		"{{(q}}":                               `"}}" where ) should stand`,
		"{{[q q]}}":                            `"q" where , should stand`,
		"{{[q for q on q]}}":                   `"on" where in should stand`,
		"{{1 2}}":                              `"2" where }} should stand`,
		"{{x}}":                                `no field "x"; the document has: q, choices,`,
		"{{choices.x}}":                        `no field "x"; there are: text, label`,
		"{{choices.text[2]}}":                  "index 2 is outside a list of 2",
		"{{q[0]}}":                             `the text " Why {so}? " has no element "0"`,
		"{{q + n}}":                            "cannot add the text \" Why {so}? \" and 3",
		"{{q.index('x')}}":                     `index: "x" is not in the text`,
		"{{q.split('')}}":                      "split: an empty separator",
		"{{n.strip()}}":                        "strip: 3 is no text",
		"{{q | int}}":                          "is no integer",
		"{{q | regex_replace('(', '')}}":       "missing closing )",
		"{{q | replace('a')}}":                 "1 arguments where it takes 2",
		"{{[x for x in q]}}":                   "cannot loop over the text",
		"{{99999999999999999999}}":             "value out of range",
		"{{" + strings.Repeat("(", 200) + "}}": "nested more than 100 deep",
	} {
		tmpl, err := Parse(source)
		if err == nil {
			_, err = tmpl.Text(doc)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v lacks %q", source, err, want)
		}
	}
	for _, source := range []string{"", "a b", "a}}"} {
		if _, err := ParseExpression(source); err == nil {
			t.Errorf("expression %q was accepted", source)
		}
	}
}

// FuzzParse wants errors and no panics.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"{{a.b[0] | int}}", "{% set x = {'a': [b for b in c]} %}{{x.get('a', 1)}}", "{{'\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, source string) {
		if tmpl, err := Parse(source); err == nil {
			_, _ = tmpl.Text(doc)
		}
	})
}
