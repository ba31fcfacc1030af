package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/record"
	"github.com/stepwise-dpo/stepwise/core/record/report"
)

// runFlags are the flags of `stepwise run`.
type runFlags struct {
	settings     []string
	name, dir    string
	plan, resume bool
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run CONFIG.toml",
		Short: "The stepwise loop",
		Long: `Partitions the preference data, then trains step by step, each step's result
being the next step's reference and start. Everything goes into DIR/NAME: the
models as Hugging Face folders, metrics, evaluations, a report. Every key of the
configuration is shown in examples/.`,
		Example: `  stepwise run run.toml
  stepwise run run.toml --set train.learning_rate=1e-6 --set source.orca.limit=100 --name try
  stepwise run run.toml --plan      # validate and forecast, train nothing
  stepwise run run.toml --resume    # go on where it was stopped or killed`,
		Args: exactArgs("CONFIG.toml"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.plan && f.resume {
				return usagef("--plan trains nothing, so --resume has no meaning beside it; give one of them")
			}
			ctx, done := a.reporting(c.Context())
			defer done()
			cfg, err := config.Load(args[0], f.settings)
			if err != nil {
				return asUsage(err)
			}
			if f.name != "" {
				if err := config.CheckName(f.name); err != nil {
					return usagef("--name: %w", err)
				}
				cfg.Run.Name = f.name
			}
			if f.plan {
				return a.plan(ctx, cfg)
			}
			a.graceful.Store(true)
			folder, err := a.run(ctx, cfg, filepath.Join(f.dir, cfg.Run.Name), f.resume, a.err)
			if err != nil {
				return err
			}
			return a.finishRun(folder)
		},
	}
	c.Flags().StringArrayVar(&f.settings, "set", nil, "KEY=VALUE over the file's, as train.beta=0.2 (repeatable)")
	c.Flags().StringVar(&f.name, "name", "", "name of the run's folder (default run.name)")
	c.Flags().StringVar(&f.dir, "dir", "runs", "where the run's folder lies")
	c.Flags().BoolVar(&f.plan, "plan", false, "validate everything, show the plan and the forecast, train nothing")
	c.Flags().BoolVar(&f.resume, "resume", false, "go on with the run that lies in the folder")
	return c
}

// run does the whole run into dir. reports is given what became of the sources'
// rows, and what they share.
func (a *app) run(ctx context.Context, c *config.Config, dir string, resume bool, reports io.Writer) (f *record.Folder, err error) {
	resolved, err := c.TOML()
	if err != nil {
		return nil, err
	}
	if err := checkFolder(dir, resume); err != nil {
		return nil, asUsage(err)
	}
	started, err := startOf(dir)
	if err != nil {
		return nil, err
	}
	b, err := a.build(ctx, c, started)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	b.printReports(reports)
	if err := b.printOverlaps(ctx, reports); err != nil {
		return nil, err
	}
	folder, unlock, err := openFolder(dir, resolved, resume)
	if err != nil {
		return nil, asUsage(err)
	}
	b.Folder, b.closers = folder, slices.Insert(b.closers, 0, unlock) // after the plugins, which may still write
	if err := b.writeManifest(ctx); err != nil {
		return nil, err
	}
	if err := b.Folder.WriteJSON("sources.json", b.reports); err != nil {
		return nil, err
	}
	return b.Folder, b.Do(ctx)
}

// checkFolder tells early whether the folder's state fits the wish to resume.
func checkFolder(dir string, resume bool) error {
	if !resume {
		return record.Vacant(dir)
	}
	if _, err := record.Open(dir); err != nil {
		return fmt.Errorf("there is no run folder to resume: %w; start the run without --resume, or look at --name and --dir", err)
	}
	return nil
}

// openFolder creates the run's folder, or opens that of the run to resume, whose
// configuration must be the same. No other process runs it until unlock.
func openFolder(dir string, resolved []byte, resume bool) (f *record.Folder, unlock func() error, err error) {
	open := record.Create
	if resume {
		open = record.Open
	}
	if f, err = open(dir); err != nil {
		return nil, nil, err
	}
	if unlock, err = f.Lock(); err != nil {
		return nil, nil, err
	}
	if resume {
		err = sameConfiguration(f, resolved)
	} else {
		err = f.WriteFile("config.toml", func(w io.Writer) error {
			_, err := w.Write(resolved)
			return err
		})
	}
	if err != nil {
		return nil, nil, errors.Join(err, unlock())
	}
	return f, unlock, nil
}

// sameConfiguration refuses to go on with another configuration.
func sameConfiguration(f *record.Folder, resolved []byte) error {
	before, err := os.ReadFile(f.Path("config.toml"))
	if err != nil || bytes.Equal(before, resolved) {
		return err
	}
	return fmt.Errorf("run folder %q was started with another configuration: %s; restore it, or start anew with --name", f.Path(), firstDifference(before, resolved))
}

// firstDifference shows the first line in which two configurations differ.
func firstDifference(before, now []byte) string {
	a, b := bytes.Split(before, []byte("\n")), bytes.Split(now, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			return fmt.Sprintf("%q then, %q now", a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines then, %d now", len(a), len(b))
}

// writeManifest records what the run is made from. A resumed run keeps the
// manifest that it began with, and must be made from the same.
func (b *built) writeManifest(ctx context.Context) error {
	now, err := b.manifest()
	if err != nil {
		return err
	}
	if !b.Folder.Has("manifest.json") {
		return b.Folder.WriteJSON("manifest.json", now)
	}
	var before record.Manifest
	if err := b.Folder.ReadJSON("manifest.json", &before); err != nil {
		return err
	}
	return checkUnchanged(before, now, core.ReporterFrom(ctx).Note)
}

// checkUnchanged refuses to go on from other weights, other data or another
// stranger's plugin. The built-in plugins have the hash of the whole program, which
// every build of it changes, so that another one is only noted.
func checkUnchanged(before, now record.Manifest, note func(string)) error {
	if before.Model.SHA256 != now.Model.SHA256 {
		return usagef("model %q is not the one that the run began with; start anew with --name", now.Model.Path)
	}
	if was, is := before.Reference, now.Reference; was != nil && is != nil && was.SHA256 != is.SHA256 {
		return usagef("reference model %q is not the one that the run began with; start anew with --name", is.Path)
	}
	for _, name := range slices.Sorted(maps.Keys(now.Sources)) {
		if source := now.Sources[name]; before.Sources[name].SHA256 != source.SHA256 {
			return usagef("source %q, %q, has changed since the run began; start anew with --name", name, source.Path)
		}
	}
	rebuilt := false
	for _, name := range slices.Sorted(maps.Keys(now.Plugins)) {
		was, is := before.Plugins[name], now.Plugins[name]
		switch {
		case was.SHA256 == is.SHA256:
		case was.BuiltIn && is.BuiltIn:
			rebuilt = true
		default:
			return usagef("plugin %q, %q, is not the one that the run began with, %q of sha256 %.12s; put that one back, or start anew with --name", name, is.Path, was.Path, was.SHA256)
		}
	}
	if rebuilt {
		note("this is another build of stepwise than the one that the run began with; from here on the numbers may differ in their last digits")
	}
	return nil
}

// printReports tells what became of the sources' rows.
func (b *built) printReports(w io.Writer) {
	for _, r := range b.reports {
		fmt.Fprint(w, r)
	}
}

// finishRun writes the report page and prints where it is.
func (a *app) finishRun(f *record.Folder) error {
	var s record.Summary
	if err := f.ReadJSON("summary.json", &s); err != nil {
		return err
	}
	if err := report.WriteFile(f.Path("report.html"), []string{f.Path()}); err != nil {
		return err
	}
	if err := printSummary(a.out, s); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\nreport: %s\n", f.Path("report.html"))
	return err
}
