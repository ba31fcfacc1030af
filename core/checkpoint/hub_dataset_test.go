package checkpoint

import (
	"bytes"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newFakeData serves a data set with a split in two parts.
func newFakeData(t *testing.T) *fakeHub {
	t.Helper()
	t.Setenv("HF_DATASETS_OFFLINE", "")
	f := newFakeHub(t, map[string][]byte{
		"README.md":                          []byte("a data set"),
		"easy/test-00000-of-00002.parquet":   bytes.Repeat([]byte("one"), 100),
		"easy/test-00001-of-00002.parquet":   bytes.Repeat([]byte("two"), 100),
		"easy/train-00000-of-00001.parquet":  bytes.Repeat([]byte("three"), 100),
		"hard/test.jsonl":                    []byte("{}\n"),
		"hard/validation-00000-of-x.parquet": []byte("never wanted"),
	})
	f.datasets = true
	return f
}

// newDatasets does not wait between attempts.
func newDatasets(t *testing.T) *Datasets {
	t.Helper()
	d, err := NewDatasets(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.hub.sleep = noSleep
	return d
}

// matching chooses what matches a pattern.
func matching(pattern string) Choice {
	return func(paths []string) ([]string, error) {
		var chosen []string
		for _, p := range paths {
			if ok, _ := path.Match(pattern, p); ok {
				chosen = append(chosen, p)
			}
		}
		if chosen == nil {
			return nil, errors.New("nothing matches " + pattern)
		}
		slices.Sort(chosen)
		return chosen, nil
	}
}

// checkFetched fetches what matches, which has to be the named files as the hub has
// them.
func checkFetched(t *testing.T, d *Datasets, f *fakeHub, pattern string, names ...string) {
	t.Helper()
	paths, err := d.Fetch(t.Context(), "ORG/NAME", matching(pattern))
	if err != nil {
		t.Fatal(err)
	}
	snapshot := filepath.Join(os.Getenv("HF_HOME"), "hub", "datasets--ORG--NAME", "snapshots", commit)
	if len(paths) != len(names) {
		t.Fatalf("got %q, want %q", paths, names)
	}
	for i, name := range names {
		if want := filepath.Join(snapshot, filepath.FromSlash(name)); paths[i] != want {
			t.Errorf("file %d is %q, want %q", i, paths[i], want)
		}
		if got, err := os.ReadFile(paths[i]); err != nil || !bytes.Equal(got, f.content[name]) {
			t.Errorf("%s: %.20q, %v", name, got, err)
		}
	}
}

func TestDatasets(t *testing.T) {
	f := newFakeData(t)
	parts := []string{"easy/test-00000-of-00002.parquet", "easy/test-00001-of-00002.parquet"}
	d := newDatasets(t)
	checkFetched(t, d, f, "easy/test-*", parts...)
	checkFetched(t, d, f, "hard/test.*", "hard/test.jsonl")
	if len(f.requests) != 4 {
		t.Errorf("one listing and three files, but requests %q", f.requests)
	}
	if f.leaked {
		t.Error("the token went to another host")
	}
	f.failures = 1
	d = newDatasets(t)
	checkFetched(t, d, f, "easy/test-*", parts...) // of the cache: the hub is busy
	checkFetched(t, d, f, "easy/train-*", "easy/train-00000-of-00001.parquet")
	f.Close()
	d = newDatasets(t)
	checkFetched(t, d, f, "easy/test-*", parts...)
	if _, err := d.Fetch(t.Context(), "ORG/NAME", matching("easy/dev-*")); !hasAll(err, "ORG/NAME", "nothing matches easy/dev-*", "cannot be asked", "refused") {
		t.Errorf("what is not cached, without a hub: %v", err)
	}
}

func TestDatasetsResume(t *testing.T) {
	f := newFakeData(t)
	f.cut = 100
	checkFetched(t, newDatasets(t), f, "easy/train-*", "easy/train-00000-of-00001.parquet")
	if !slices.ContainsFunc(f.requests, func(r string) bool { return strings.HasSuffix(r, ".parquet bytes=100-") }) {
		t.Errorf("no request from byte 100 on: %q", f.requests)
	}
}

func TestDatasetsCorrupt(t *testing.T) {
	f := newFakeData(t)
	f.spoil = true
	d := newDatasets(t)
	if _, err := d.Fetch(t.Context(), "ORG/NAME", matching("easy/train-*")); !hasAll(err, "ORG/NAME", "easy/train-00000-of-00001.parquet", "its hash is", "the hub says", "run again") {
		t.Errorf("got %v", err)
	}
	f.spoil = false
	checkFetched(t, d, f, "easy/train-*", "easy/train-00000-of-00001.parquet")
}

func TestDatasetsOffline(t *testing.T) {
	for _, variable := range []string{"HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"} {
		f := newFakeData(t)
		t.Setenv(variable, "1")
		if _, err := newDatasets(t).Fetch(t.Context(), "ORG/NAME", matching("easy/*")); !hasAll(err, `data set "ORG/NAME"`, "not in the cache", variable+" forbids") {
			t.Errorf("an empty cache: %v", err)
		}
		if len(f.requests) != 0 {
			t.Errorf("offline, and asked for %q", f.requests)
		}
		t.Setenv(variable, "")
		paths, err := newDatasets(t).Fetch(t.Context(), "ORG/NAME", matching("easy/test-*"))
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(variable, "1")
		checkFetched(t, newDatasets(t), f, "easy/test-*", "easy/test-00000-of-00002.parquet", "easy/test-00001-of-00002.parquet")
		if _, err := newDatasets(t).Fetch(t.Context(), "ORG/NAME", matching("hard/*")); !hasAll(err, "incomplete", "nothing matches hard/*", variable+" forbids") {
			t.Errorf("what is not cached: %v", err)
		}
		if err := os.Remove(paths[1]); err != nil {
			t.Fatal(err)
		}
		if _, err := newDatasets(t).Fetch(t.Context(), "ORG/NAME", matching("easy/test-*")); !hasAll(err, "1 of the 2 parts", "easy/test", variable+" forbids") {
			t.Errorf("half of the cache: %v", err)
		}
	}
}

func TestDatasetsErrors(t *testing.T) {
	f := newFakeData(t)
	fetch := func(name, pattern string) error {
		_, err := newDatasets(t).Fetch(t.Context(), name, matching(pattern))
		return err
	}
	for name, want := range map[string]string{
		"ORG/OTHER": "does not have it", "OTHER": "HF_TOKEN", "ORG/NAME@v2": "does not have it",
		"ORG/../../x": "is not the name of a data set", "a--b": "is not the name of a data set", "": "is not the name of a data set",
	} {
		if err := fetch(name, "*"); !hasAll(err, name, want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if err := fetch("ORG/NAME", "x*"); !hasAll(err, `data set "ORG/NAME"`, "nothing matches x*") {
		t.Errorf("a file that is not there: %v", err)
	}
	f.gated = true
	if err := fetch("ORG/NAME", "hard/test.*"); !hasAll(err, "ORG/NAME", "403", "accept the terms", "HF_TOKEN may read it") {
		t.Errorf("gated: %v", err)
	}
	t.Setenv("HF_TOKEN", "")
	if err := fetch("ORG/NAME", "hard/test.*"); !hasAll(err, "ORG/NAME", "401", "private or gated: set HF_TOKEN") {
		t.Errorf("no token: %v", err)
	}
}

// TestDatasetsHostile: names from the network stay inside the cache.
func TestDatasetsHostile(t *testing.T) {
	f := newFakeData(t)
	f.content["../../outside.jsonl"] = []byte("{}")
	if _, err := newDatasets(t).Fetch(t.Context(), "ORG/NAME", matching("../../*")); !hasAll(err, "outside.jsonl", "no place in a folder") {
		t.Errorf("got %v", err)
	}
}
