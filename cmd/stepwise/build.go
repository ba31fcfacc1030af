package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/filehash"
	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/scorer"
	"github.com/stepwise-dpo/stepwise/core/stepwise"
	"github.com/stepwise-dpo/stepwise/plugins"
)

// built is a run that is ready to go, with what was found out on the way.
type built struct {
	*stepwise.Run
	started time.Time // what templates that print the date are told
	reports []preference.Report
	used    []plugins.Info
	closers []func() error
}

// Close ends the run's plugins.
func (b *built) Close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		errs = append(errs, b.closers[i]())
	}
	return errors.Join(errs...)
}

// build opens everything that the configuration names, so that whatever is
// wrong shows before any work is done. The run has no folder yet; it began at
// started.
func (a *app) build(ctx context.Context, c *config.Config, started time.Time) (b *built, err error) {
	b = &built{
		Run:     &stepwise.Run{Config: c, CarryOver: checkpoint.CarryOver, Card: card(c), Interrupt: a.interrupt},
		started: started,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if err := b.loadModel(ctx); err != nil {
		return b, err
	}
	if err := b.loadSources(ctx); err != nil {
		return b, asUsage(err)
	}
	if err := b.openPlugins(ctx, a); err != nil {
		return b, err
	}
	return b, asUsage(b.checkPins())
}

func (b *built) loadModel(ctx context.Context) (err error) {
	c := b.Config
	if b.Base, err = resolve(ctx, c.Model.Path); err != nil {
		return err
	}
	if b.Codec, err = b.loadCodec(b.Base); err != nil {
		return asUsage(err)
	}
	if c.Train.Reference != "previous" && c.Train.Reference != "base" {
		if b.Reference, err = resolve(ctx, c.Train.Reference); err != nil {
			return fmt.Errorf("train.reference: %w", err)
		}
	}
	codec := b.Codec
	b.Describe = func(dir, name string) (core.ModelInfo, error) {
		return codec.Describe(dir, name, c.Backend.Name, c.Backend.DType)
	}
	return asUsage(checkWeights(b.Base))
}

// loadCodec reads a codec whose template prints the day on which the run began, so
// that a run that is resumed on another day encodes the same ids.
func (b *built) loadCodec(dir string) (*scorer.Codec, error) {
	codec, err := scorer.LoadCodec(dir)
	if err != nil {
		return nil, err
	}
	return codec.At(b.started), nil
}

// checkWeights holds the folder's tensors against its configuration.
func checkWeights(dir string) error {
	arch, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		return err
	}
	weights, err := checkpoint.Open(dir)
	if err != nil {
		return err
	}
	defer weights.Close()
	return weights.Check(arch)
}

// loadSources reads and encodes all pairs, those held out too.
func (b *built) loadSources(ctx context.Context) error {
	c := b.Config
	encoder, err := newEncoder(b.Codec, c.Train.Profile())
	if err != nil {
		return err
	}
	train, err := load(ctx, c.Sources, encoder, c.Run.Seed)
	if err != nil {
		return err
	}
	heldout, err := load(ctx, c.Heldout, encoder, c.Run.Seed)
	if err != nil {
		return err
	}
	b.Sources, b.Heldout = train.pairs, append(train.heldout, heldout.pairs...)
	for i := range heldout.reports {
		r := &heldout.reports[i]
		r.Heldout, r.Train = r.Train, 0 // all of them are
	}
	b.reports = append(train.reports, heldout.reports...)
	if err := checkVocabulary(b.Base, append(slices.Clip(b.Sources), b.Heldout...)); err != nil {
		return err
	}
	if b.Reference == "" {
		return nil
	}
	return b.loadReference(ctx, train.reports)
}

// loaded is what sources hold.
type loaded struct {
	pairs, heldout []core.Source
	reports        []preference.Report
}

func load(ctx context.Context, sources []config.Source, e *preference.Encoder, seed int64) (l loaded, err error) {
	for _, s := range sources {
		train, heldout, report, err := preference.Load(ctx, preference.Spec{
			Name: s.Name, Path: s.Path, Format: s.Format, Limit: s.Limit, EvalFraction: s.EvalFraction,
		}, e, seed)
		if err != nil {
			return l, err
		}
		l.pairs = append(l.pairs, train)
		if len(heldout.Pairs) > 0 {
			heldout.Name = s.Name + config.HeldoutSuffix
			l.heldout = append(l.heldout, heldout)
		}
		l.reports = append(l.reports, report)
	}
	return l, nil
}

// checkVocabulary refuses ids that the model in dir does not have.
func checkVocabulary(dir string, sources []core.Source) error {
	arch, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		return err
	}
	for _, s := range sources {
		for i, p := range s.Pairs {
			if err := p.Item().Check(arch.VocabSize); err != nil {
				return fmt.Errorf("source %q, pair %d: %w of model %q", s.Name, i, err, dir)
			}
		}
	}
	return nil
}

// loadReference compares the external reference's vocabulary and, where it is
// to read in its own tokens, encodes the sources for it. Both must have kept the
// same rows, or a pair would be compared with another one's reference.
func (b *built) loadReference(ctx context.Context, ours []preference.Report) error {
	c := b.Config
	codec, err := b.loadCodec(b.Reference)
	if err != nil {
		return err
	}
	if c.Train.ReferenceTokenization == "same" {
		return sameVocabulary(b.Base, b.Codec, b.Reference, codec)
	}
	encoder, err := newEncoder(codec, c.Train.Profile())
	if err != nil {
		return err
	}
	theirs, err := load(ctx, c.Sources, encoder, c.Run.Seed)
	if err != nil {
		return err
	}
	for i, r := range theirs.reports {
		if !slices.Equal(r.TrainRows, ours[i].TrainRows) {
			return fmt.Errorf("source %q: the model keeps %d pairs and the reference %q %d, not of the same rows; raise max_length so that both keep all, and name held-out pairs as [[heldout]]",
				r.Source, len(ours[i].TrainRows), b.Reference, len(r.TrainRows))
		}
	}
	b.ReferenceSources = theirs.pairs
	return nil
}

// sameVocabulary refuses a reference whose ids mean other tokens.
func sameVocabulary(base string, codec *scorer.Codec, reference string, other *scorer.Codec) error {
	a, b := codec.Tokenizer, other.Tokenizer
	differ := a.VocabSize() != b.VocabSize()
	for id := int32(0); !differ && int(id) < a.VocabSize(); id++ {
		x, _ := a.Token(id)
		y, _ := b.Token(id)
		differ = x != y
	}
	if differ {
		return fmt.Errorf("the reference %q has another vocabulary than the model %q; set train.reference_tokenization = \"own\"", reference, base)
	}
	return nil
}

// openPlugins starts backend, partitioner and evaluators, each of which checks
// its options.
func (b *built) openPlugins(ctx context.Context, a *app) error {
	c := b.Config
	m := a.manager(c)
	backend, err := a.openBackend(ctx, m, c.Backend.Name, core.OpenOptions{DType: c.Backend.DType, Train: true, Options: c.Backend.Options})
	if err != nil {
		return err
	}
	b.keep(backend.Info(), backend.Close)
	b.Backend = backend
	partitioner, err := m.OpenPartitioner(ctx, c.Partition.Strategy, c.Partition.Options)
	if err != nil {
		return asUsage(err)
	}
	b.keep(partitioner.Info(), partitioner.Close)
	b.Partitioner = partitioner
	for _, e := range c.Evals {
		evaluator, err := m.OpenEvaluator(ctx, e.Evaluator, e.Options)
		if err != nil {
			return asUsage(err)
		}
		b.keep(evaluator.Info(), evaluator.Close)
		b.Evaluators = append(b.Evaluators, evaluator)
	}
	return nil
}

// checkPins refuses a pin that pins nothing.
func (b *built) checkPins() error {
	for _, name := range slices.Sorted(maps.Keys(b.Config.Plugins.SHA256)) {
		if !slices.ContainsFunc(b.used, func(p plugins.Info) bool { return string(p.Kind)+"-"+p.Name == name }) {
			return fmt.Errorf("plugins.sha256 pins %q, which this run does not use", name)
		}
	}
	return nil
}

func (b *built) keep(info plugins.Info, close func() error) {
	b.used = append(b.used, info)
	b.closers = append(b.closers, close)
}

// present is the time as a manifest keeps it.
func present() time.Time { return time.Now().UTC().Truncate(time.Second) }

// startOf returns when the run in dir began: by its manifest, or now where there is
// none yet.
func startOf(dir string) (time.Time, error) {
	f, err := record.Open(dir)
	if err != nil || !f.Has("manifest.json") {
		return present(), nil
	}
	var m record.Manifest
	if err := f.ReadJSON("manifest.json", &m); err != nil {
		return time.Time{}, err
	}
	started, err := time.Parse(time.RFC3339, m.Started)
	if err != nil {
		return started, fmt.Errorf("%q: started: %w", f.Path("manifest.json"), err)
	}
	return started.UTC(), nil
}

// manifest says what the run is made from.
func (b *built) manifest() (record.Manifest, error) {
	c := b.Config
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	weights, err := checkpoint.SHA256(b.Base)
	m := record.Manifest{
		Version: version, Seed: c.Run.Seed, Started: b.started.Format(time.RFC3339),
		Model:   record.Hashed{Path: b.Base, SHA256: weights},
		Sources: map[string]record.Hashed{}, Plugins: map[string]record.PluginUsed{},
		Machine: record.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Hostname: host},
		Backend: record.BackendUsed{Name: c.Backend.Name, DType: c.Backend.DType, Options: c.Backend.Options},
	}
	if err != nil {
		return m, err
	}
	if b.Reference != "" {
		sum, err := checkpoint.SHA256(b.Reference)
		if err != nil {
			return m, err
		}
		m.Reference = &record.Hashed{Path: b.Reference, SHA256: sum}
	}
	for _, list := range [][]config.Source{c.Sources, c.Heldout} {
		for _, s := range list {
			sum, err := filehash.SHA256(s.Path)
			if err != nil {
				return m, err
			}
			m.Sources[s.Name] = record.Hashed{Path: s.Path, SHA256: sum}
		}
	}
	for _, p := range b.used {
		m.Plugins[string(p.Kind)+"-"+p.Name] = record.PluginUsed{
			Hashed: record.Hashed{Path: p.Path, SHA256: p.SHA256}, Version: p.Version, BuiltIn: p.Builtin,
		}
	}
	return m, nil
}
