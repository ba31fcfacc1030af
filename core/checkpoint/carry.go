package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// carried are the files beside config.json and the weights that make a folder
// work: tokenizer, templates, generation defaults, and the licence that the
// weights come under. README.md is not, since it describes the other model.
var carried = []string{
	"tokenizer.json", "tokenizer.model", "*.tiktoken", "tokenizer_config.json", "special_tokens_map.json",
	"added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
	"additional_chat_templates/*.jinja", "generation_config.json", "LICENSE*", "NOTICE*",
}

// CarryOver copies to the folder to, beside weights of the given dtype ("float32",
// "bfloat16", "float16"), what else the model in from consists of: config.json,
// with the dtype and the rotary embedding in the spellings of both transformers 4
// and 5, and tokenizer, template, generation and licence files unchanged.
func CarryOver(from, to, dtype string) error {
	if err := carryOver(from, to, dtype); err != nil {
		return fmt.Errorf("carry over %q to %q: %w", from, to, err)
	}
	return nil
}

func carryOver(from, to, dtype string) error {
	d, err := parseDType(dtype)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(from, "config.json"))
	if err != nil {
		return err
	}
	config, err := bothSpellings(data, torchNames[d])
	if err != nil {
		return fmt.Errorf("config.json: %w", err)
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(to, "config.json"), config); err != nil {
		return err
	}
	for _, pattern := range carried {
		paths, err := filepath.Glob(filepath.Join(escapeGlob(from), pattern)) // fs.Glob leaves out links to nothing
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := carryFile(path, filepath.Join(to, filepath.Dir(pattern), filepath.Base(path))); err != nil {
				return err
			}
		}
	}
	return nil
}

// escapeGlob makes a path match itself.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func carryFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	err := copyFile(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%q: a link to nothing: %w", from, err)
	}
	return err
}

// bothSpellings returns config.json with dtype and rotary embedding as
// transformers 4 (torch_dtype, rope_theta, rope_scaling) and 5 (dtype,
// rope_parameters) each look for them; all other keys as they are. Version 4
// silently takes a theta of 10000 where only rope_parameters has it.
func bothSpellings(data []byte, dtype string) (map[string]json.RawMessage, error) {
	var c map[string]json.RawMessage
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("null is not a model's configuration")
	}
	c["dtype"], _ = json.Marshal(dtype)
	c["torch_dtype"] = c["dtype"]
	parameters, err := object(c["rope_parameters"])
	if err != nil {
		return nil, fmt.Errorf("rope_parameters: %w", err)
	}
	scaling, err := object(c["rope_scaling"])
	if err != nil {
		return nil, fmt.Errorf("rope_scaling: %w", err)
	}
	switch {
	case scaling != nil || parameters == nil && c["rope_theta"] != nil:
		return c, toParameters(c, scaling)
	case parameters != nil:
		return c, toScaling(c, parameters)
	}
	return c, nil
}

// toParameters derives rope_parameters from rope_scaling and rope_theta.
func toParameters(c, scaling map[string]json.RawMessage) (err error) {
	parameters := map[string]json.RawMessage{"rope_type": json.RawMessage(`"default"`)}
	for key, value := range scaling {
		parameters[key] = value
	}
	if old, ok := scaling["type"]; ok && scaling["rope_type"] == nil {
		parameters["rope_type"] = old
	}
	delete(parameters, "type")
	if theta, ok := c["rope_theta"]; ok && parameters["rope_theta"] == nil {
		parameters["rope_theta"] = theta
	}
	c["rope_parameters"], err = json.Marshal(parameters)
	return err
}

// toScaling derives rope_theta and rope_scaling from rope_parameters.
func toScaling(c, parameters map[string]json.RawMessage) (err error) {
	if theta, ok := parameters["rope_theta"]; ok {
		c["rope_theta"] = theta
	}
	kind := parameters["rope_type"]
	if kind == nil || string(kind) == `"default"` {
		c["rope_scaling"] = json.RawMessage("null")
		return nil
	}
	scaling := map[string]json.RawMessage{"type": kind} // the key's name before 4.43
	for key, value := range parameters {
		if key != "rope_theta" {
			scaling[key] = value
		}
	}
	c["rope_scaling"], err = json.Marshal(scaling)
	return err
}

// object decodes an object, nil for an absent or null one.
func object(data json.RawMessage) (map[string]json.RawMessage, error) {
	if data == nil {
		return nil, nil
	}
	var o map[string]json.RawMessage
	err := json.Unmarshal(data, &o)
	return o, err
}
