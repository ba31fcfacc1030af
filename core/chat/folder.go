package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/stepwise-dpo/stepwise/core/jinja"
)

// ErrNone says that a model has no chat template.
var ErrNone = errors.New("no chat template: neither chat_template.jinja nor chat_template in tokenizer_config.json")

// FromFolder parses the default chat template of a Hugging Face folder. Where there is none the error is ErrNone. As in
// transformers, dialogues with tools are rendered by the template named "tool_use" instead, if the folder has one.
func FromFolder(dir string) (*Template, error) {
	sources, err := Sources(dir)
	if err != nil {
		return nil, err
	}
	source, ok := sources["default"]
	if !ok {
		return nil, fmt.Errorf("%q: no chat template is named \"default\"; there are %q: parse one of Sources", dir,
			slices.Sorted(maps.Keys(sources)))
	}
	t, err := Parse(source)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", dir, err)
	}
	if source, ok := sources["tool_use"]; ok {
		t.tools = sync.OnceValues(func() (*jinja.Template, error) { return jinja.Transformers.Parse(source) })
	}
	return t, nil
}

// Sources are a folder's chat templates by name, the plain one under "default": chat_template.jinja and
// additional_chat_templates/NAME.jinja, else chat_template of tokenizer_config.json, a text or a list of named ones.
// Where there is none the error is ErrNone.
func Sources(dir string) (map[string]string, error) {
	sources, err := templateFiles(dir)
	if err == nil && len(sources) == 0 {
		sources, err = configTemplates(filepath.Join(dir, "tokenizer_config.json"))
	}
	if err == nil && len(sources) == 0 {
		err = fmt.Errorf("%q: %w", dir, ErrNone)
	}
	return sources, err
}

func templateFiles(dir string) (map[string]string, error) {
	sources := map[string]string{}
	files, err := fs.Glob(os.DirFS(dir), "additional_chat_templates/*.jinja")
	if err != nil {
		return nil, err
	}
	for _, file := range append(files, "chat_template.jinja") {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(path.Base(file), ".jinja")
		if name == "chat_template" {
			name = "default"
		}
		sources[name] = string(text)
	}
	return sources, nil
}

// configTemplates reads chat_template of a tokenizer_config.json; a file that is not there has none.
func configTemplates(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var config struct {
		ChatTemplate json.RawMessage `json:"chat_template"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%q: %w", file, err)
	}
	raw := bytes.TrimSpace(config.ChatTemplate)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	var single string
	if json.Unmarshal(raw, &single) == nil {
		return map[string]string{"default": single}, nil
	}
	var named []struct{ Name, Template string }
	if err := json.Unmarshal(raw, &named); err != nil {
		return nil, fmt.Errorf("%q: chat_template is neither a text nor a list of {name, template}: %w", file, err)
	}
	sources := map[string]string{}
	for _, t := range named {
		sources[t.Name] = t.Template
	}
	return sources, nil
}
