package multiplechoice

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

//go:embed tasks/*.toml
var builtin embed.FS

// catalog holds the definitions of tasks and groups as a preset sees them.
type catalog struct {
	tasks   map[string]*Definition
	groups  map[string]*Group
	aliases map[string]string
	files   map[string]string // of the folder being read, by the name each defines
}

// loadCatalog reads the built-in definitions and those of the user's folder, if
// it is not empty; a definition of the user's replaces a built-in one.
func loadCatalog(p Preset, userDir string) (*catalog, error) {
	c := &catalog{tasks: map[string]*Definition{}, groups: map[string]*Group{}, aliases: map[string]string{}}
	tasks, err := fs.Sub(builtin, "tasks")
	if err != nil {
		return nil, err
	}
	if err := c.addFolder(tasks, p); err != nil {
		return nil, err
	}
	if userDir != "" {
		if err := c.addFolder(os.DirFS(userDir), p); err != nil {
			return nil, fmt.Errorf("task folder %q: %w", userDir, err)
		}
	}
	return c, c.checkGroups()
}

// addFolder adds the definitions of every TOML file of the folder.
func (c *catalog) addFolder(dir fs.FS, p Preset) error {
	files, err := fs.ReadDir(dir, ".")
	if err != nil {
		return err
	}
	c.files = map[string]string{}
	var faults []error
	for _, f := range files {
		if path.Ext(f.Name()) != ".toml" {
			continue
		}
		if err := c.addFile(dir, f.Name(), p); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", f.Name(), err))
		}
	}
	return errors.Join(faults...)
}

func (c *catalog) addFile(dir fs.FS, name string, p Preset) error {
	source, err := fs.ReadFile(dir, name)
	if err != nil {
		return err
	}
	var kind struct {
		Group string
		Each  []string
	}
	if _, err := toml.Decode(string(source), &kind); err != nil {
		return err
	}
	if kind.Group != "" {
		return c.addGroup(name, string(source), p)
	}
	if len(kind.Each) == 0 {
		return c.addTask(dir, name, string(source), p)
	}
	for _, n := range kind.Each {
		one := strings.NewReplacer("$name", n, "$words", strings.ReplaceAll(n, "_", " ")).Replace(string(source))
		if err := c.addTask(dir, name, one, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *catalog) addGroup(file, source string, p Preset) error {
	g, plain := &Group{}, &Group{} // plain is without [leaderboard]
	g.Scale = 1
	if err := decode(source, g, p); err != nil {
		return err
	}
	if err := decode(source, plain, LMEval); err != nil {
		return err
	}
	if err := g.checkSettings(slices.Concat(g.Tasks, plain.Tasks)); err != nil {
		return err
	}
	if err := c.claim(g.Name, file); err != nil {
		return err
	}
	c.groups[g.Name] = g
	return nil
}

// claim makes a name the file's, whatever another folder's file defined by it.
func (c *catalog) claim(name, file string) error {
	if other, ok := c.files[name]; ok {
		return fmt.Errorf("%q is already defined by %s of the same folder; rename one of them", name, other)
	}
	c.files[name] = file
	delete(c.tasks, name)
	delete(c.groups, name)
	return nil
}

func (c *catalog) addTask(dir fs.FS, file, source string, p Preset) error {
	d := &Definition{}
	if err := decodeTask(dir, source, d, p, 0); err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	if err := c.claim(d.Task, file); err != nil {
		return err
	}
	c.tasks[d.Task] = d
	for _, a := range d.Aliases {
		c.aliases[a] = d.Task
	}
	return nil
}

// decodeTask sets d from the included file and then from source.
func decodeTask(dir fs.FS, source string, d *Definition, p Preset, depth int) error {
	var head struct{ Include string }
	if _, err := toml.Decode(source, &head); err != nil {
		return err
	}
	if head.Include != "" {
		if depth > 10 {
			return fmt.Errorf("include %q: files include each other", head.Include)
		}
		base, err := fs.ReadFile(dir, head.Include)
		if err != nil {
			return fmt.Errorf("include %q: %w", head.Include, err)
		}
		if err := decodeTask(dir, string(base), d, p, depth+1); err != nil {
			return fmt.Errorf("include %q: %w", head.Include, err)
		}
	}
	return decode(source, d, p)
}

// decode sets the struct that into points to from TOML and then, under the
// leaderboard's preset, from its table [leaderboard]. A list that is set replaces
// the one that was there.
func decode[T any](source string, into *T, p Preset) error {
	var over struct{ Leaderboard toml.Primitive }
	overMeta, err := toml.Decode(source, &over)
	if err != nil {
		return err
	}
	clearLists(into, overMeta.Keys())
	meta, err := toml.Decode(source, into)
	if err != nil {
		return err
	}
	target := into
	if p != Leaderboard {
		target = new(T) // checked all the same
	}
	if overMeta.IsDefined("leaderboard") {
		clearLists(target, overMeta.Keys(), "leaderboard")
		if err := overMeta.PrimitiveDecode(over.Leaderboard, target); err != nil {
			return fmt.Errorf("leaderboard: %w", err)
		}
	}
	return unknownKeys(meta, overMeta)
}

// clearLists empties the lists of the struct that into points to which a source
// with these keys sets in the table of that name: the decoder reuses the elements
// of a list that is there, and leaves what the source does not set of them.
func clearLists(into any, keys []toml.Key, table ...string) {
	v := reflect.ValueOf(into).Elem()
	for _, field := range reflect.VisibleFields(v.Type()) {
		name := field.Tag.Get("toml")
		sets := func(k toml.Key) bool {
			n := len(table)
			return len(k) == n+1 && slices.Equal(k[:n], table) && strings.EqualFold(k[n], name)
		}
		if field.Type.Kind() == reflect.Slice && slices.ContainsFunc(keys, sets) {
			v.FieldByIndex(field.Index).SetZero()
		}
	}
}

// unknownKeys is an error that lists the keys which neither decoding took.
func unknownKeys(meta, over toml.MetaData) error {
	leaderboard := over.Undecoded()
	var unknown []string
	for _, k := range meta.Undecoded() {
		if k[0] == "leaderboard" && !slices.ContainsFunc(leaderboard, func(u toml.Key) bool { return u.String() == k.String() }) {
			continue
		}
		unknown = append(unknown, k.String())
	}
	if len(unknown) > 0 {
		return fmt.Errorf("unknown keys: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// checkGroups reports members that no file defines, and circles.
func (c *catalog) checkGroups() error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(c.groups)) {
		if err := c.checkGroup(name, nil); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func (c *catalog) checkGroup(name string, above []string) error {
	if slices.Contains(above, name) {
		return fmt.Errorf("group %q contains itself through %s", name, strings.Join(above, ", "))
	}
	for _, member := range c.groups[name].Tasks {
		if _, ok := c.groups[member]; ok {
			if err := c.checkGroup(member, append(above, name)); err != nil {
				return err
			}
		} else if _, ok := c.tasks[member]; !ok {
			return fmt.Errorf("group %q: no task or group %q", name, member)
		}
	}
	return nil
}

// names returns every task and group that can be asked for.
func (c *catalog) names() []string {
	all := slices.Concat(slices.Collect(maps.Keys(c.tasks)), slices.Collect(maps.Keys(c.groups)))
	slices.Sort(all)
	return all
}

// TaskNames returns every task and group that can be asked for, those defined
// in taskDir among them, in alphabetical order.
func TaskNames(p Preset, taskDir string) ([]string, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	c, err := loadCatalog(p, taskDir)
	if err != nil {
		return nil, err
	}
	return c.names(), nil
}
