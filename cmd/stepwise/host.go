package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/backends"
	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/scorer"
	"github.com/stepwise-dpo/stepwise/evaluators"
	"github.com/stepwise-dpo/stepwise/partitioners"
	"github.com/stepwise-dpo/stepwise/plugins"
)

// builtins is what this binary serves when it is started again as a plugin.
func builtins() plugins.Builtins {
	return plugins.Builtins{
		Version: version, Backends: backends.BuiltIn, Partitioners: partitioners.BuiltIn, Evaluators: evaluators.BuiltIn,
	}
}

// manager finds plugins as the configuration says.
func (a *app) manager(c *config.Config) *plugins.Manager {
	m := &plugins.Manager{
		Dir: c.Plugins.Dir, Pins: c.Plugins.SHA256, Builtins: builtins(), Paths: map[string]string{},
		Log: func(plugin, line string) { fmt.Fprintf(a.err, "%s: %s\n", plugin, line) },
	}
	name := func(kind plugins.Kind, name, path string) {
		if path != "" {
			m.Paths[string(kind)+"-"+name] = path
		}
	}
	name(plugins.KindBackend, c.Backend.Name, c.Backend.Path)
	name(plugins.KindPartitioner, c.Partition.Strategy, c.Partition.Path)
	for _, e := range c.Evals {
		name(plugins.KindEvaluator, e.Evaluator, e.Path)
	}
	return m
}

// reporting returns a context whose work is shown on standard error.
func (a *app) reporting(ctx context.Context) (context.Context, func()) {
	p := newProgress(a.err)
	return core.WithReporter(ctx, p), p.close
}

// backendFlags choose a backend on the command line.
type backendFlags struct {
	name, dtype string
	options     []string
	pluginDir   string
}

func (b *backendFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&b.name, "backend", "gorgonia", "compute backend")
	c.Flags().StringVar(&b.dtype, "dtype", "float32", "float32 or bf16")
	c.Flags().StringArrayVar(&b.options, "backend-option", nil, "one of the backend's own options, as threads=2 (repeatable)")
	c.Flags().StringVar(&b.pluginDir, "plugins", "", "folder of plugins")
}

// config returns what a configuration with these settings would hold.
func (b *backendFlags) config() (*config.Config, error) {
	if err := checkPluginDir(b.pluginDir); err != nil {
		return nil, err
	}
	c := &config.Config{}
	c.Plugins.Dir = b.pluginDir
	options, err := parseOptions(b.options)
	c.Backend = config.Backend{Name: b.name, DType: b.dtype, Options: options}
	return c, asUsage(err)
}

// checkPluginDir refuses a folder that --plugins names and that does not exist.
func checkPluginDir(dir string) error {
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(dir); err != nil {
		return usagef("--plugins: %w", err)
	}
	return nil
}

func parseOptions(settings []string) (core.Options, error) {
	o := core.Options{}
	for _, s := range settings {
		key, value, err := config.ParseSetting(s)
		if err != nil {
			return nil, err
		}
		o[key] = value
	}
	return o, nil
}

// opened is a model that is open for scoring.
type opened struct {
	*scorer.Scorer
	info    core.ModelInfo
	codec   *scorer.Codec
	model   core.Model
	backend *plugins.Backend
}

// Close ends the model and its backend.
func (o *opened) Close() error { return errors.Join(o.model.Close(), o.backend.Close()) }

// openScorer resolves the model's name and opens it.
func (a *app) openScorer(ctx context.Context, name string, flags backendFlags) (*opened, error) {
	c, err := flags.config()
	if err != nil {
		return nil, err
	}
	dir, err := resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	codec, err := scorer.LoadCodec(dir)
	if err != nil {
		return nil, err
	}
	info, err := codec.Describe(dir, name, c.Backend.Name, c.Backend.DType)
	if err != nil {
		return nil, err
	}
	o := core.OpenOptions{DType: c.Backend.DType, Options: c.Backend.Options}
	backend, err := a.openBackend(ctx, a.manager(c), c.Backend.Name, o)
	if err != nil {
		return nil, err
	}
	model, err := backend.Open(ctx, dir, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("model %q: %w", name, err), backend.Close())
	}
	return &opened{scorer.New(model, codec, info, nil), info, codec, model, backend}, nil
}

// openBackend starts a backend and has it check its options.
func (a *app) openBackend(ctx context.Context, m *plugins.Manager, name string, o core.OpenOptions) (*plugins.Backend, error) {
	backend, err := m.OpenBackend(ctx, name)
	if err != nil {
		return nil, asUsage(err)
	}
	if err := backend.Check(ctx, o); err != nil {
		return nil, errors.Join(asUsage(err), backend.Close())
	}
	return backend, nil
}
