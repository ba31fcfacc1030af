package jinja

import (
	"errors"
	goruntime "runtime"
	"strings"
	"testing"
	"time"
)

// hostile templates would take for ever, or all memory, without limits.
var hostile = map[string]string{
	"nested loops":       "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
	"silent loops":       "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
	"output":             "{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}",
	"doubling":           "{% set n = namespace(s='xx') %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
	"doubling by ~":      "{% set n = namespace(s='xx') %}{% for a in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
	"doubling a list":    "{% set n = namespace(s=[1]) %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
	"doubling by join":   "{% set n = namespace(s='xx') %}{% for a in range(99) %}{% set n.s = [n.s, n.s]|join %}{% endfor %}",
	"shared value":       "{% set n = namespace(s=[1]) %}{% for a in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
	"shared value json":  "{% set n = namespace(s=[1]) %}{% for a in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s|tojson }}",
	"shared value equal": "{% set n = namespace(s=[1], t=[1]) %}{% for a in range(99) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}",
	"deep value":         "{% set n = namespace(s=1) %}{% for a in range(99999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s }}",
	"deep tuple key":     "{% set n = namespace(s=1) %}{% for a in range(99999) %}{% set n.s = (n.s,) %}{% endfor %}{{ {n.s: 1} }}",
	"shared tuple key":   "{% set n = namespace(s=1) %}{% for a in range(60) %}{% set n.s = (n.s, n.s) %}{% endfor %}{{ {n.s: 1} }}",
	"long key":           "{% set s = 'a' * 9999999 %}{% set d = {s: 1} %}{% for i in range(99999) %}{{ d[s] }}{% endfor %}",
	"cycle":              "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
	"repeat":             "{{ 'x' * 10**15 }}",
	"repeat a list":      "{{ [1] * 10**10 }}",
	"repeat nothing":     "{% for i in range(99999) %}{% for i in range(99999) %}{% set x = [] * 10**18 %}{% endfor %}{% endfor %}",
	"power":              "{{ 10 ** (10 ** 10) }}",
	"tower":              "{% set n = namespace(x=7) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
	"center":             "{{ 'x'.center(10**15) }}",
	"center filter":      "{{ 'x'|center(10**12) }}",
	"zfill":              "{{ 'x'.zfill(10**12) }}",
	"expandtabs":         "{{ 'x\t'.expandtabs(10**12) }}",
	"percent width":      "{{ '%999999999999d' % 1 }}",
	"percent precision":  "{{ '%.99999999d' % 1 }}",
	"format width":       "{{ '{:999999999}'.format(1) }}",
	"format nested":      "{{ ('{:16000000}' * 99).format(*range(99)) }}",
	"indent":             "{{ ('x\n' * 99999)|indent(99999) }}",
	"indent json":        "{{ [[[1]]]|tojson(indent=10**12) }}",
	"replace":            "{{ ('x' * 9999999).replace('', 'y' * 999) }}",
	"batch":              "{{ [1]|batch(10**12, 0)|list }}",
	"slice":              "{{ [1]|slice(10**12)|list }}",
	"macro":              "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
	"wide macro":         "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(99) }}",
	"recursive loop":     "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
	"search":             "{% set s = 'a' * 999999 %}{% for i in range(99999) %}{{ s.count('aab') }}{{ 'b' in s }}{% endfor %}",
	"split":              "{% set s = 'a' * 999999 %}{% for i in range(99999) %}{{ s.split('a')|length }}{% endfor %}",
	"characters":         "{% set s = 'é' * 999999 %}{% for i in range(99999) %}{{ s[i * 9] }}{% endfor %}",
	"sort":               "{% for i in range(999) %}{% set x = range(99999)|list|sort(reverse=true) %}{% endfor %}",
	"sum of lists":       "{{ ([[1]] * 99999)|sum(start=[]) }}",
	"strip":              "{% set s = 'a' * 999999 %}{% for i in range(99999) %}{{ s.strip('bcdefga') }}{% endfor %}",
	"lower":              "{% set s = 'ΑΣ' * 99999 %}{% for i in range(99999) %}{% set x = s.title() %}{% endfor %}",
	"namespaces":         "{% set n = namespace(x=0) %}{% for a in range(99999) %}{% for b in range(99999) %}{% set n.x = namespace(x=n.x) %}{% endfor %}{% endfor %}",
	"generations":        "{% for a in range(99999) %}xxxxxxxxxxxxxxxxxxx{% generation %}y{% endgeneration %}{% endfor %}",
	"parentheses":        "{{ " + strings.Repeat("(", 100000),
	"brackets":           "{{ " + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + " }}",
	"not":                "{{ " + strings.Repeat("not ", 100000) + "1 }}",
	"minus":              "{{ " + strings.Repeat("-", 100000) + "1 }}",
	"sums":               "{{ 1" + strings.Repeat(" + 1", 100000) + " }}",
	"filters":            "{{ 1" + strings.Repeat("|abs", 100000) + " }}",
	"subscripts":         "{{ x" + strings.Repeat(".x", 100000) + " }}",
	"conditions":         "{{ " + strings.Repeat("1 if 1 else ", 100000) + "1 }}",
	"ifs":                strings.Repeat("{% if 1 %}", 100000),
}

// TestLimits renders hostile templates: each must end in an error soon, and without filling memory.
func TestLimits(t *testing.T) {
	for name, source := range hostile {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			used := memoryGrowth(func() {
				template, err := Transformers.Parse(source)
				if err == nil {
					_, err = template.Render(NewObject(), Options{})
				}
				var failure *Error
				if !errors.As(err, &failure) {
					t.Errorf("got %v, want an *Error", err)
				}
			})
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %s", d)
			}
			if used > 2<<30 {
				t.Errorf("made %d MiB", used>>20)
			}
		})
	}
}

// memoryGrowth is how much the heap grew while f ran, what it gave back included.
func memoryGrowth(f func()) uint64 {
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	f()
	goruntime.ReadMemStats(&after)
	return after.HeapSys - min(before.HeapSys, after.HeapSys)
}

func TestLimitsOfCaller(t *testing.T) {
	template, err := Transformers.Parse("{% for i in range(100) %}{{ i }}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		limits Limits
		kind   string
	}{{Limits{}, ""}, {Limits{Steps: 50}, LimitError}, {Limits{Bytes: 50}, LimitError}} {
		_, err := template.Render(NewObject(), Options{Limits: c.limits})
		kind := ""
		if e, ok := err.(*Error); ok {
			kind = e.Kind
		}
		if kind != c.kind {
			t.Errorf("%+v: got %v, want an error of kind %q", c.limits, err, c.kind)
		}
	}
}
