// Package config turns a TOML file into a validated description of a run. It
// refuses unknown keys, bad values and settings that nothing would use, all
// faults at once and each with its line, before any work starts.
package config

import (
	"bytes"
	"fmt"
	"maps"
	"os"

	"github.com/BurntSushi/toml"

	"github.com/stepwise-dpo/stepwise/core"
)

// Config is a run. Paths are absolute.
type Config struct {
	Run       Run       `toml:"run"`
	Model     Model     `toml:"model"`
	Backend   Backend   `toml:"backend"`
	Sources   []Source  `toml:"source"`
	Heldout   []Source  `toml:"heldout,omitempty"`
	Partition Partition `toml:"partition"`
	Plugins   Plugins   `toml:"plugins"`
	Evals     []Eval    `toml:"eval,omitempty"`
	Train     Train     `toml:"-"` // [train], which holds the loss's options too
}

// Run names the run, whose folder is DIR/Name.
type Run struct {
	Name string `toml:"name"`
	Seed int64  `toml:"seed"`
}

// Model is the SFT base S.
type Model struct {
	Path      string `toml:"path"`       // HF folder, .gguf or ORG/NAME
	SaveDType string `toml:"save_dtype"` // of M_t
}

// Backend names the compute backend.
type Backend struct {
	Name    string       `toml:"name"`
	Path    string       `toml:"path,omitempty"` // of the plugin's binary; else it is searched for by name
	DType   string       `toml:"dtype"`
	Options core.Options `toml:"options,omitempty"`
}

// Source is a file of preference pairs.
type Source struct {
	Name         string  `toml:"name"`
	Path         string  `toml:"path"`
	Format       string  `toml:"format,omitempty"` // recognised where empty
	Limit        int     `toml:"limit"`            // first N pairs; 0 = all
	EvalFraction float64 `toml:"eval_fraction"`    // held out
}

// Partition names the partition strategy.
type Partition struct {
	Strategy string       `toml:"strategy"`
	Path     string       `toml:"path,omitempty"`
	Options  core.Options `toml:"options,omitempty"`
}

// Plugins says where strangers' plugins lie and pins them.
type Plugins struct {
	Dir    string            `toml:"dir,omitempty"`
	SHA256 map[string]string `toml:"sha256,omitempty"` // "partitioner-mine" -> hex digest
}

// Eval is one evaluation.
type Eval struct {
	Evaluator string       `toml:"evaluator"`
	Path      string       `toml:"path,omitempty"`
	Options   core.Options `toml:"options,omitempty"`
	When      string       `toml:"when"` // "each-step", "start" or "end"
}

// Load reads the file at path, applies the settings of the form
// "train.beta=0.2" over it, fills in defaults and validates. Its error lists
// every fault.
func Load(path string, settings []string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	tree := map[string]any{}
	if _, err := toml.Decode(string(text), &tree); err != nil {
		return nil, syntaxError(path, err)
	}
	f := &faults{path: path, lines: findKeys(string(text)), settings: map[string]string{}}
	for _, s := range settings {
		place, err := set(tree, s)
		if err != nil {
			f.add("", "%v", err)
			continue
		}
		f.settings[place] = s
	}
	c := defaults()
	c.decode(tree, f)
	if err := c.resolvePaths(path); err != nil {
		return nil, err
	}
	c.validate(tree, f)
	return c, f.err()
}

func defaults() *Config {
	return &Config{
		Run:       Run{Name: "run", Seed: 42},
		Model:     Model{SaveDType: "float32"},
		Backend:   Backend{Name: "gorgonia", DType: "float32"},
		Partition: Partition{Strategy: "easy-to-hard"},
	}
}

// decode stores the tree into c, strictly. [train] holds the loss's
// options too and is taken apart by Train.
func (c *Config) decode(tree map[string]any, f *faults) {
	rest := maps.Clone(tree)
	train, ok := rest["train"].(map[string]any)
	if _, given := rest["train"]; given && !ok {
		f.add("train", "must be a table")
	}
	delete(rest, "train")
	decodeTable(rest, c, "", f)
	for i := range c.Evals {
		if c.Evals[i].When == "" {
			c.Evals[i].When = "each-step"
		}
	}
	c.Train.decode(train, f)
}

// TOML returns the configuration with every default written out; Load reads it
// back to an equal Config.
func (c *Config) TOML() ([]byte, error) {
	train, err := c.Train.table()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := toml.NewEncoder(&out)
	e.Indent = ""
	for _, part := range []any{c, map[string]any{"train": train}} {
		if err := e.Encode(part); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}
