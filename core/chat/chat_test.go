package chat

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/core/jinja"
)

const chatML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}" +
	"{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

func mustParse(t testing.TB, source string) *Template {
	t.Helper()
	template, err := Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func TestRenderChatML(t *testing.T) {
	template := mustParse(t, chatML)
	got, err := template.Render(Context{
		Messages:            Dialogue(Message{"user", "Hi <é>"}, Message{"assistant", "Hello"}),
		AddGenerationPrompt: true,
	})
	want := "<|im_start|>user\nHi <é><|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>assistant\n"
	if err != nil || got != want {
		t.Errorf("got %q %v, want %q", got, err, want)
	}
}

func TestContextVariables(t *testing.T) {
	tools, err := ParseJSON([]byte(`[{"z": 1, "a": {"y": null, "b": [2.0]}}]`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		template, want string
		context        Context
	}{
		{"{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ unk_token }}", "<s></s><p><u>", Context{BOS: "<s>", EOS: "</s>", PAD: "<p>", UNK: "<u>"}},
		{"{{ bos_token is defined }} {{ tools is none }} {{ documents is none }} {{ messages }}", "False True True []", Context{}},
		{"{{ tools|tojson }}", `[{"z": 1, "a": {"y": null, "b": [2.0]}}]`, Context{Tools: tools}},
		{"{{ x }} {{ bos_token }}", "[1, 2] B", Context{BOS: "A", Extra: map[string]any{"x": []int{1, 2}, "bos_token": "B"}}},
		{"{{ strftime_now('%d %b %Y') }}", "26 Jul 2024", Context{Now: time.Date(2024, 7, 26, 0, 0, 0, 0, time.UTC)}},
		{"{{ messages[0]|tojson }}", `{"role": "user", "content": "x"}`, Context{Messages: Dialogue(Message{"user", "x"})}},
	} {
		if got, err := mustParse(t, c.template).Render(c.context); err != nil || got != c.want {
			t.Errorf("%s: got %q %v, want %q", c.template, got, err, c.want)
		}
	}
}

// TestAt: a template that is set to a time prints it, unless the context has another.
func TestAt(t *testing.T) {
	at := func(year int) time.Time { return time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC) }
	template := mustParse(t, "{{ strftime_now('%Y') }}").At(at(2001))
	for want, c := range map[string]Context{"2001": {}, "2002": {Now: at(2002)}} {
		if got, err := template.Render(c); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		template string
		context  Context
		want     string
	}{
		"raised":     {"\n{{ raise_exception('only users') }}", Context{}, "line 2: TemplateError: only users"},
		"nil":        {"", Context{Messages: []*Object{nil}}, "message 0 of the dialogue is nil"},
		"bad UTF-8":  {"", Context{Messages: Dialogue(Message{"user", "a\xff"})}, "not valid UTF-8"},
		"channel":    {"", Context{Extra: map[string]any{"x": make(chan int)}}, `variable "x"`},
		"steps":      {"{{ 1 + 1 }}{{ 1 + 1 }}", Context{Limits: Limits{Steps: 3}}, "too many steps"},
		"inside map": {"", Context{Tools: []any{map[string]any{"a": func() {}}}}, `variable "tools"`},
	} {
		_, err := mustParse(t, c.template).Render(c.context)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	var failure *Error
	if _, err := Parse("{% if %}"); !errors.As(err, &failure) || failure.Line != 1 {
		t.Errorf("got %v, want an *Error in line 1", err)
	}
}

func TestRenderSpans(t *testing.T) {
	template := mustParse(t, "{% for m in messages %}{% if m.role == 'assistant' %}<a>{% generation %}{{ m.content }}{% endgeneration %}"+
		"{% else %}<u>{{ m.content }}{% endif %}{% endfor %}")
	text, spans, err := template.RenderSpans(Context{Messages: Dialogue(
		Message{"user", "ü"}, Message{"assistant", "é1"}, Message{"user", "x"}, Message{"assistant", "😀"})})
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	for _, s := range spans {
		written = append(written, text[s[0]:s[1]])
	}
	if got := strings.Join(written, "|"); got != "é1|😀" {
		t.Errorf("the assistant wrote %q in %q", got, text)
	}
}

// TestRealTemplates renders 64 templates of the hub with dialogues of all kinds, and compares with Jinja2.
func TestRealTemplates(t *testing.T) {
	dir := filepath.Join(testenv.Shared(t), "templates")
	var cases []struct {
		Name, Template string
		Data           json.RawMessage
	}
	var want []struct {
		OK  bool
		Out string
	}
	readJSON(t, filepath.Join(dir, "tpl_cases.json"), &cases)
	readJSON(t, filepath.Join(dir, "tpl_ref.json"), &want)
	if len(cases) == 0 || len(cases) != len(want) {
		t.Fatalf("%d cases and %d renders", len(cases), len(want))
	}
	for i, c := range cases {
		text, err := renderRaw(t, c.Template, c.Data)
		ok := err == nil
		if e := (*Error)(nil); errors.As(err, &e) {
			text = e.Kind + ": " + e.Message
		}
		if ok != want[i].OK || text != want[i].Out {
			t.Errorf("%s: got %.400q, want %.400q", c.Name, text, want[i].Out)
		}
	}
}

// renderRaw renders a template with just the variables given.
func renderRaw(t *testing.T, source string, data []byte) (string, error) {
	t.Helper()
	vars, err := ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	template, err := Parse(source)
	if err != nil {
		return "", err
	}
	made := func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) } // the day of the renders
	result, err := template.parsed.Render(vars.(*Object), jinja.Options{Now: made})
	return result.Text, err
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkRenderChatML(b *testing.B) {
	template := mustParse(b, chatML)
	var messages []Message
	for range 5 {
		messages = append(messages, Message{"user", strings.Repeat("a question ", 20)}, Message{"assistant", strings.Repeat("an answer ", 40)})
	}
	context := Context{Messages: Dialogue(messages...)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := template.Render(context); err != nil {
			b.Fatal(err)
		}
	}
}
