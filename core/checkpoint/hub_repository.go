package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A kind is what repositories of the hub hold.
type kind struct {
	noun   string // in errors
	plural string // in the cache's folders and the hub's interface
	site   string // before the names of repositories in addresses
	names  *regexp.Regexp
}

var (
	models   = &kind{"model", "models", "", hubName}
	datasets = &kind{"data set", "datasets", "datasets/", datasetName}
)

// hubName matches ORG/NAME, and ORG/NAME@REVISION for a branch, tag or commit.
var hubName = regexp.MustCompile(`^([\w][\w.-]*/[\w][\w.-]*)(?:@([\w][\w.-]*))?$`)

// datasetName matches the same, and old data sets' names, which have no ORG.
var datasetName = regexp.MustCompile(`^([\w][\w.-]*(?:/[\w][\w.-]*)?)(?:@([\w][\w.-]*))?$`)

// A repository is a model or data set of the hub at a revision.
type repository struct {
	*kind
	name         string // as the user writes it
	id, revision string
	folder       string // in the cache
}

func (h *hub) repository(k *kind, name string) (*repository, error) {
	m := k.names.FindStringSubmatch(name)
	if m == nil || strings.Contains(name, "--") || strings.Contains(name, "..") {
		return nil, inputf("%q is not the name of a %s on the hub (ORG/NAME)", name, k.noun)
	}
	r := &repository{kind: k, name: name, id: m[1], revision: m[2]}
	if r.revision == "" {
		r.revision = "main"
	}
	r.folder = filepath.Join(h.cache, k.plural+"--"+strings.ReplaceAll(r.id, "/", "--"))
	return r, nil
}

// cached returns the snapshot of a revision and the chosen files, if the cache has
// them all.
func (h *hub) cached(r *repository, choose Choice) (dir string, chosen []string, err error) {
	commit := r.revision
	if ref, err := os.ReadFile(filepath.Join(r.folder, "refs", r.revision)); err == nil {
		commit = strings.TrimSpace(string(ref))
	}
	dir = filepath.Join(r.folder, "snapshots", commit)
	paths, err := snapshotFiles(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("revision %q is not in the cache %q", r.revision, h.cache)
	}
	if err == nil {
		chosen, err = choose(paths)
	}
	if err == nil {
		err = shardsComplete(chosen)
	}
	if err != nil {
		return "", nil, fmt.Errorf("the cache %q is incomplete: %w", h.cache, err)
	}
	return dir, chosen, nil
}

// snapshotFiles are the files in a snapshot, without links to content that is gone.
func snapshotFiles(dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		paths = append(paths, filepath.ToSlash(rel))
		return err
	})
	return paths, err
}

// shardName matches NAME-00001-of-00003, as weights and tables are split.
var shardName = regexp.MustCompile(`^(.*)-\d{5}-of-(\d{5})[.-][^/]*$`)

// shardsComplete checks that of files that are split all parts are there.
func shardsComplete(paths []string) error {
	count := map[[2]string]int{}
	for _, p := range paths {
		if m := shardName.FindStringSubmatch(p); m != nil {
			count[[2]string{m[1], m[2]}]++
		}
	}
	for name, got := range count {
		if want, _ := strconv.Atoi(name[1]); got < want {
			return fmt.Errorf("it has %d of the %d parts of %q", got, want, name[0])
		}
	}
	return nil
}
