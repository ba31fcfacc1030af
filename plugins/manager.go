package plugins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/filehash"
)

// DirVariable is the environment variable that names a folder of plugins.
const DirVariable = "STEPWISE_PLUGIN_DIR"

const (
	startTimeout        = time.Minute
	startTimeoutBackend = 5 * time.Minute // libraries of gigabytes
	listTimeout         = 20 * time.Second
)

// Manager finds plugins and opens them. Its fields are set before its first
// use; its methods may be called concurrently.
//
// A plugin is looked for, in this order: its path in Paths; Dir;
// $STEPWISE_PLUGIN_DIR; what is built in. One that is named in Paths is taken;
// otherwise a name that is found in two places is an error.
type Manager struct {
	// Paths are binaries by "KIND-NAME".
	Paths map[string]string
	// Dir is a folder of plugins; empty = none.
	Dir string
	// Pins are the sha256 that binaries must have, in hex, by "KIND-NAME".
	Pins map[string]string
	// Builtins is what this binary itself can serve.
	Builtins Builtins
	// BuiltinCommand, followed by KIND NAME, is run to serve it, and calls
	// ServeBuiltin. Empty = this binary with the arguments "plugin", "serve".
	BuiltinCommand []string
	// Env names environment variables that plugins are given besides the
	// usual ones; a final * stands for any rest.
	Env []string
	// StartTimeout bounds a plugin's start; 0 = 1 minute, 5 for backends.
	StartTimeout time.Duration
	// Log, where not nil, is given each line that a plugin prints.
	Log func(plugin, line string)

	hashes sync.Map // path to sha256, of the built-in binary
}

// OpenPartitioner starts the partitioner and gives it its options, which it may
// refuse. Close ends it.
func (m *Manager) OpenPartitioner(ctx context.Context, name string, o core.Options) (*Partitioner, error) {
	return open(ctx, m, KindPartitioner, name, func(p *Plugin) (*Partitioner, error) { return newPartitioner(ctx, p, o) })
}

// OpenEvaluator is OpenPartitioner for evaluators.
func (m *Manager) OpenEvaluator(ctx context.Context, name string, o core.Options) (*Evaluator, error) {
	return open(ctx, m, KindEvaluator, name, func(p *Plugin) (*Evaluator, error) { return newEvaluator(ctx, p, o) })
}

// OpenBackend starts the backend. Its options come with Check and Open. Close
// ends it and its models.
func (m *Manager) OpenBackend(ctx context.Context, name string) (*Backend, error) {
	return open(ctx, m, KindBackend, name, func(p *Plugin) (*Backend, error) { return newBackend(p), nil })
}

// open starts a plugin and makes a T of it, or ends it.
func open[T any](ctx context.Context, m *Manager, kind Kind, name string, wrap func(*Plugin) (T, error)) (T, error) {
	var none T
	p, err := m.start(ctx, kind, name)
	if err != nil {
		return none, err
	}
	v, err := wrap(p)
	if err != nil {
		return none, errors.Join(err, p.Close())
	}
	return v, nil
}

func (m *Manager) start(ctx context.Context, kind Kind, name string) (*Plugin, error) {
	info, err := m.Find(kind, name)
	if err != nil {
		return nil, err
	}
	if info.SHA256, err = m.sha256(info); err != nil {
		return nil, fmt.Errorf("%s: %w", info.title(), err)
	}
	timeout := m.StartTimeout
	switch {
	case timeout == 0 && kind == KindBackend:
		timeout = startTimeoutBackend
	case timeout == 0:
		timeout = startTimeout
	}
	return start(ctx, m.launch(info, timeout))
}

func (m *Manager) launch(info Info, timeout time.Duration) launch {
	l := launch{
		info: info, command: []string{info.Path}, pin: m.Pins[key(info.Kind, info.Name)], env: m.Env, timeout: timeout,
	}
	if info.Builtin {
		l.command = append(m.builtinCommand(info.Path), string(info.Kind), info.Name)
	}
	if m.Log != nil {
		l.log = func(line string) { m.Log(key(info.Kind, info.Name), line) }
	}
	return l
}

func (m *Manager) builtinCommand(self string) []string {
	if len(m.BuiltinCommand) == 0 {
		return []string{self, "plugin", "serve"}
	}
	return slices.Clone(m.BuiltinCommand)
}

// sha256 returns the hash of a plugin's binary. That of the built-in ones is
// this program and is read once.
func (m *Manager) sha256(info Info) (string, error) {
	if sum, ok := m.hashes.Load(info.Path); ok && info.Builtin {
		return sum.(string), nil
	}
	sum, err := filehash.SHA256(info.Path)
	if err == nil && info.Builtin {
		m.hashes.Store(info.Path, sum)
	}
	return sum, err
}

// Find returns where the plugin is, without starting it: kind, name, path and
// whether it is built in.
func (m *Manager) Find(kind Kind, name string) (Info, error) {
	if err := CheckName(kind, name); err != nil {
		return Info{}, err
	}
	info := Info{Kind: kind, Name: name}
	if path := m.Paths[key(kind, name)]; path != "" {
		info.Path = path
		return info, checkFile(info)
	}
	found, err := m.findAll()
	if err != nil {
		return info, err
	}
	places := found[key(kind, name)]
	switch len(places) {
	case 0:
		return info, m.notFound(info, found)
	case 1:
		return places[0], checkFile(places[0])
	}
	var paths []string
	for _, p := range places {
		paths = append(paths, p.place())
	}
	return info, fmt.Errorf("%s is there more than once: %s; remove one, or give its path in the configuration", info.title(), strings.Join(paths, " and "))
}

// place says where a plugin is, for people.
func (i Info) place() string {
	if i.Builtin {
		return "built in"
	}
	return fmt.Sprintf("%q", i.Path)
}

// checkFile says what is wrong with a plugin's path before it is run.
func checkFile(info Info) error {
	stat, err := os.Stat(info.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", info.title(), err)
	}
	if !stat.Mode().IsRegular() {
		return fmt.Errorf("%s: %q is no file", info.title(), info.Path)
	}
	return nil
}

func (m *Manager) notFound(info Info, found map[string][]Info) error {
	var known []string
	for _, places := range found {
		if places[0].Kind == info.Kind {
			known = append(known, places[0].Name)
		}
	}
	slices.Sort(known)
	list := "none"
	if len(known) > 0 {
		list = strings.Join(known, ", ")
	}
	where := "put its binary, " + filePrefix + key(info.Kind, info.Name) + ", into the plugin folder"
	if dirs := m.dirs(); len(dirs) > 0 {
		where += " (" + strings.Join(dirs, ", ") + ")"
	}
	return fmt.Errorf("no %s; there are: %s; %s", info.title(), list, where)
}

// dirs are the folders that are searched, in order.
func (m *Manager) dirs() []string {
	var dirs []string
	for _, dir := range []string{m.Dir, os.Getenv(DirVariable)} {
		if dir != "" && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// findAll returns every place of every plugin by "KIND-NAME", Paths apart.
func (m *Manager) findAll() (map[string][]Info, error) {
	found := map[string][]Info{}
	var seen []os.FileInfo
	for _, dir := range m.dirs() {
		stat, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) || slices.ContainsFunc(seen, func(s os.FileInfo) bool { return err == nil && os.SameFile(s, stat) }) {
			continue
		}
		seen = append(seen, stat)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("plugin folder: %w", err)
		}
		for _, e := range entries {
			if kind, name, ok := parseFile(e.Name()); ok {
				info := Info{Kind: kind, Name: name, Path: filepath.Join(dir, e.Name())}
				found[key(kind, name)] = append(found[key(kind, name)], info)
			}
		}
	}
	self, err := m.self()
	if err != nil {
		return nil, err
	}
	for _, b := range m.Builtins.names() {
		info := Info{Kind: b.Kind, Name: b.Name, Path: self, Version: cmp.Or(m.Builtins.Version, buildVersion()), Builtin: true}
		found[key(b.Kind, b.Name)] = append(found[key(b.Kind, b.Name)], info)
	}
	return found, nil
}

// self is the binary that serves what is built in.
func (m *Manager) self() (string, error) {
	if len(m.BuiltinCommand) > 0 {
		return m.BuiltinCommand[0], nil
	}
	return os.Executable()
}

// List returns every plugin that a name would find, sorted by kind and name,
// with its hash and its version, for which each that is not built in is
// started. What is wrong with one is in its Error.
func (m *Manager) List(ctx context.Context) ([]Info, error) {
	found, err := m.findAll()
	if err != nil {
		return nil, err
	}
	for k, path := range m.Paths {
		kind, name, ok := parseFile(filePrefix + k + executableSuffix)
		if !ok {
			return nil, fmt.Errorf("%q names no plugin; write KIND-NAME", k)
		}
		found[k] = []Info{{Kind: kind, Name: name, Path: path}}
	}
	infos := slices.Concat(slices.Collect(maps.Values(found))...)
	slices.SortStableFunc(infos, func(a, b Info) int {
		return strings.Compare(fmt.Sprint(slices.Index(Kinds, a.Kind), a.Name), fmt.Sprint(slices.Index(Kinds, b.Kind), b.Name))
	})
	var wait sync.WaitGroup
	for i := range infos {
		wait.Go(func() { m.inspect(ctx, &infos[i]) })
	}
	wait.Wait()
	return infos, nil
}

// inspect fills in the hash and the version, or the Error.
func (m *Manager) inspect(ctx context.Context, info *Info) {
	_, err := m.Find(info.Kind, info.Name)
	if err == nil {
		info.SHA256, err = m.sha256(*info)
	}
	if err == nil && !info.Builtin {
		var p *Plugin
		if p, err = start(ctx, m.launch(*info, listTimeout)); err == nil {
			info.Version = p.info.Version
			err = p.Close()
		}
	}
	if err != nil {
		info.Error = err.Error()
	}
}
