package chat

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFromFolder(t *testing.T) {
	for name, c := range map[string]struct {
		files      map[string]string
		want, fail string
	}{
		"file first": {map[string]string{"chat_template.jinja": "file", "tokenizer_config.json": `{"chat_template": "config"}`}, "file", ""},
		"config":     {map[string]string{"tokenizer_config.json": `{"chat_template": "config"}`}, "config", ""},
		"list": {map[string]string{"tokenizer_config.json": `{"chat_template": [{"name": "tool_use", "template": "t"},
			{"name": "default", "template": "d"}]}`}, "d", ""},
		"no default":  {map[string]string{"tokenizer_config.json": `{"chat_template": [{"name": "tool_use", "template": "t"}]}`}, "", `["tool_use"]`},
		"nothing":     {nil, "", ErrNone.Error()},
		"no template": {map[string]string{"tokenizer_config.json": `{"chat_template": null}`}, "", ErrNone.Error()},
		"bad config":  {map[string]string{"tokenizer_config.json": `{`}, "", "tokenizer_config.json"},
		"bad kind":    {map[string]string{"tokenizer_config.json": `{"chat_template": 5}`}, "", "neither a text nor a list"},
		"bad source":  {map[string]string{"chat_template.jinja": "\n{% if %}"}, "", "line 2"},
	} {
		template, err := FromFolder(writeFiles(t, c.files))
		if c.fail != "" {
			if err == nil || !strings.Contains(err.Error(), c.fail) {
				t.Errorf("%s: got %v, want %q", name, err, c.fail)
			}
			continue
		}
		if err != nil || template.Source() != c.want {
			t.Errorf("%s: got %v %v, want %q", name, template, err, c.want)
		}
	}
	if _, err := FromFolder(t.TempDir()); !errors.Is(err, ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
}

// TestToolUse: a dialogue with tools, be they none, is rendered by the template for it (transformers'
// PreTrainedTokenizerBase.get_chat_template).
func TestToolUse(t *testing.T) {
	template, err := FromFolder(writeFiles(t, map[string]string{"tokenizer_config.json": `{"chat_template": [
		{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "{{ tools|length }} tools"}]}`}))
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Context{
		"plain":   {},
		"0 tools": {Tools: []any{}},
		"1 tools": {Tools: []any{map[string]any{"name": "f"}}},
	} {
		if got, err := template.At(time.Now()).Render(c); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestSources(t *testing.T) {
	got, err := Sources(writeFiles(t, map[string]string{"chat_template.jinja": "d", "additional_chat_templates/rag.jinja": "r"}))
	if want := map[string]string{"default": "d", "rag": "r"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v %v, want %v", got, err, want)
	}
}

func TestFromFolderOfTinyModel(t *testing.T) {
	template, err := FromFolder(filepath.Join(testenv.Shared(t), "golden", "trl", "tiny"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := template.Render(Context{Messages: Dialogue(Message{"user", "Hi"}), AddGenerationPrompt: true})
	if err != nil || !strings.Contains(got, "Hi") {
		t.Errorf("got %q %v", got, err)
	}
}
