package multiplechoice

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// A fakeHub serves the benchmarks of testdata as the hub has them.
type fakeHub struct {
	*httptest.Server
	files    map[string]map[string][]byte // by data set and path
	mu       sync.Mutex
	listings []string
	fetched  []string
	failures int // answer the next requests with status
	status   int
}

const hubCommit = "0123456789abcdef0123456789abcdef01234567"

// newFakeHub starts a hub and an empty cache.
func newFakeHub(t *testing.T) *fakeHub {
	t.Helper()
	f := &fakeHub{files: map[string]map[string][]byte{}}
	err := filepath.WalkDir("testdata/bench", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		parts := strings.Split(filepath.ToSlash(file), "/")
		id, config, split := path.Join(parts[2:4]...), parts[4], strings.TrimSuffix(parts[5], ".jsonl")
		if f.files[id] == nil {
			f.files[id] = map[string][]byte{"README.md": []byte("a data set")}
		}
		name, content := onHub(t, id, config, split, file)
		f.files[id][name] = content
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	for name, value := range map[string]string{"HF_ENDPOINT": f.URL, "HF_HOME": t.TempDir(), "HF_TOKEN": "secret",
		"HF_HUB_CACHE": "", "HF_HUB_OFFLINE": "", "HF_DATASETS_OFFLINE": "", "TRANSFORMERS_OFFLINE": ""} {
		t.Setenv(name, value)
	}
	return f
}

// onHub is where the hub has a split, and what: Parquet, but one data set as JSON
// lines, which others on the hub are.
func onHub(t *testing.T, id, config, split, file string) (string, []byte) {
	switch {
	case id == "allenai/openbookqa":
		return path.Join(config, split+".jsonl"), []byte(contents(t, file))
	case id == "baber/piqa":
		return "piqa_" + split + ".parquet", toParquet(t, file)
	case config == "default":
		config = "data"
	}
	return path.Join(config, split+"-00000-of-00001.parquet"), toParquet(t, file)
}

func (f *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failures > 0 {
		f.failures--
		w.Header().Set("Retry-After", "0")
		http.Error(w, "not now", f.status)
		return
	}
	if r.Header.Get("Authorization") != "Bearer secret" {
		http.Error(w, "who are you", http.StatusUnauthorized)
		return
	}
	for id, files := range f.files {
		if r.URL.Path == "/api/datasets/"+id+"/revision/main" {
			f.listings = append(f.listings, id)
			list(w, files)
			return
		}
		name, ok := strings.CutPrefix(r.URL.Path, "/datasets/"+id+"/resolve/"+hubCommit+"/")
		if content, there := files[name]; ok && there {
			f.fetched = append(f.fetched, id+"/"+name)
			w.Write(content)
			return
		}
	}
	http.NotFound(w, r)
}

func list(w http.ResponseWriter, files map[string][]byte) {
	var siblings []map[string]any
	for name, content := range files {
		siblings = append(siblings, map[string]any{"rfilename": name, "size": len(content), "blobId": "0",
			"lfs": map[string]any{"sha256": fmt.Sprintf("%x", sha256.Sum256(content)), "size": len(content)}})
	}
	json.NewEncoder(w).Encode(map[string]any{"sha": hubCommit, "siblings": siblings})
}

// toParquet returns a file of JSON lines as Parquet, the columns in their order.
func toParquet(t *testing.T, file string) []byte {
	t.Helper()
	docs, err := readFile(file, File{})
	if err != nil {
		t.Fatal(err)
	}
	row := rowType(docs[0])
	var out bytes.Buffer
	w := parquet.NewWriter(&out, parquet.SchemaOf(reflect.New(row).Interface()))
	for _, doc := range docs {
		v := reflect.New(row)
		if err := json.Unmarshal([]byte(py.DumpJSON(doc, py.Format{})), v.Interface()); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(v.Interface()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rowType is a struct with an object's members.
func rowType(o py.Object) reflect.Type {
	var fields []reflect.StructField
	for i, m := range o {
		typ, list := reflect.TypeOf(m.Value), ""
		switch v := m.Value.(type) {
		case py.Object:
			typ = rowType(v)
		case []any:
			typ, list = reflect.SliceOf(reflect.TypeOf(v[0])), ",list"
		}
		tag := fmt.Sprintf(`parquet:"%s%s" json:"%s"`, m.Key, list, m.Key)
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: typ, Tag: reflect.StructTag(tag)})
	}
	return reflect.StructOf(fields)
}

// TestHub runs with data from the hub what lm-eval ran with the same data: first
// downloaded, then with the hub gone, then offline.
func TestHub(t *testing.T) {
	f := newFakeHub(t)
	tasks := append([]string{"mmlu_sociology"}, plainTasks...)
	evaluate := func() {
		t.Helper()
		e, err := New(core.Options{"tasks": tasks, "num_fewshot": 3, "limit": 3})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := e.Evaluate(t.Context(), checksumScorer(), dir); err != nil {
			t.Fatal(err)
		}
		compareSamples(t, dir, filepath.Join("testdata", "goldens", "three_shot"))
	}
	evaluate()
	slices.Sort(f.listings)
	if want := []string{"Rowan/hellaswag", "allenai/ai2_arc", "allenai/openbookqa", "allenai/winogrande", "aps/super_glue", "baber/piqa", "cais/mmlu", "truthfulqa/truthful_qa"}; !slices.Equal(f.listings, want) {
		t.Errorf("listed %q, want each once", f.listings)
	}
	slices.Sort(f.fetched)
	if want := []string{
		"Rowan/hellaswag/data/train-00000-of-00001.parquet",
		"Rowan/hellaswag/data/validation-00000-of-00001.parquet",
		"allenai/ai2_arc/ARC-Challenge/test-00000-of-00001.parquet",
		"allenai/ai2_arc/ARC-Challenge/train-00000-of-00001.parquet",
		"allenai/ai2_arc/ARC-Easy/test-00000-of-00001.parquet",
		"allenai/ai2_arc/ARC-Easy/train-00000-of-00001.parquet",
		"allenai/openbookqa/main/test.jsonl",
		"allenai/openbookqa/main/train.jsonl",
		"allenai/winogrande/winogrande_xl/train-00000-of-00001.parquet",
		"allenai/winogrande/winogrande_xl/validation-00000-of-00001.parquet",
		"aps/super_glue/boolq/train-00000-of-00001.parquet",
		"aps/super_glue/boolq/validation-00000-of-00001.parquet",
		"baber/piqa/piqa_train.parquet",
		"baber/piqa/piqa_validation.parquet",
		"cais/mmlu/sociology/dev-00000-of-00001.parquet",
		"cais/mmlu/sociology/test-00000-of-00001.parquet",
		"truthfulqa/truthful_qa/multiple_choice/validation-00000-of-00001.parquet",
	}; !slices.Equal(f.fetched, want) {
		t.Errorf("fetched %q", f.fetched)
	}
	f.Close()
	evaluate()
	t.Setenv("HF_HUB_OFFLINE", "1")
	evaluate()
}

func TestHubReports(t *testing.T) {
	newFakeHub(t)
	e, err := New(core.Options{"tasks": []string{"piqa"}})
	if err != nil {
		t.Fatal(err)
	}
	var p progressed
	if _, err := e.Evaluate(core.WithReporter(t.Context(), &p), checksumScorer(), ""); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(p, "piqa_validation.parquet, KiB") {
		t.Errorf("told of %q", p)
	}
}

// progressed keeps what it is told that has come to its end.
type progressed []string

func (p *progressed) Note(string) {}
func (p *progressed) Progress(what string, done, total int) {
	if done == total {
		*p = append(*p, what)
	}
}

// TestHubOffline needs what is not in the cache: a data set, or a configuration of
// one that is there in part.
func TestHubOffline(t *testing.T) {
	f := newFakeHub(t)
	t.Setenv("HF_HUB_OFFLINE", "1")
	wantError(t, core.Options{"tasks": []string{"piqa"}}, `task "piqa": no data of split "validation"`, `data set "baber/piqa"`, "is not in the cache",
		"HF_HUB_OFFLINE forbids", "https://huggingface.co/datasets/baber/piqa", "option data")
	wantError(t, core.Options{"tasks": []string{"mmlu_anatomy", "piqa", "mmlu_virology"}}, `task "mmlu_anatomy", "mmlu_virology": no data of split "test": data set "cais/mmlu"`, `task "piqa"`)
	t.Setenv("HF_HUB_OFFLINE", "")
	if _, err := newLibrary("").split(t.Context(), &Definition{DatasetPath: "allenai/ai2_arc", DatasetName: "ARC-Easy"}, "test"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	wantError(t, core.Options{"tasks": []string{"arc_challenge"}}, `data set "allenai/ai2_arc"`, "is incomplete", "ARC-Challenge/test-*.parquet", "HF_HUB_OFFLINE forbids")
	if len(f.fetched) != 1 {
		t.Errorf("fetched %q", f.fetched)
	}
}

func TestHubErrors(t *testing.T) {
	f := newFakeHub(t)
	for name := range f.files["allenai/winogrande"] {
		if strings.Contains(name, "validation") {
			delete(f.files["allenai/winogrande"], name)
		}
	}
	delete(f.files, "Rowan/hellaswag")
	wantError(t, core.Options{"tasks": []string{"winogrande"}}, `data set "allenai/winogrande": none of its files is one of`, "winogrande_xl/validation-*.parquet")
	wantError(t, core.Options{"tasks": []string{"hellaswag", "winogrande"}}, `data set "Rowan/hellaswag"`, "does not have it (404", "HF_TOKEN", `data set "allenai/winogrande"`)
	e, err := New(core.Options{"tasks": []string{"hellaswag", "piqa"}, "skip_missing": true})
	if err != nil {
		t.Fatal(err)
	}
	var notes notebook
	if _, err := e.Evaluate(core.WithReporter(t.Context(), &notes), checksumScorer(), ""); err != nil || !notes.has(`left out: task "hellaswag"`) {
		t.Errorf("missing data left out: notes %q, %v", notes, err)
	}
	t.Setenv("HF_TOKEN", "")
	wantError(t, core.Options{"tasks": []string{"winogrande"}}, `data set "allenai/winogrande"`, "private or gated: set HF_TOKEN")
}

// TestHubUnreachable: a hub that cannot be asked is no hub that lacks the data.
func TestHubUnreachable(t *testing.T) {
	newFakeHub(t)
	t.Setenv("HF_ENDPOINT", "http://no host")
	wantError(t, core.Options{"tasks": []string{"piqa"}, "skip_missing": true}, `task "piqa": split "validation"`, "no host", "set the option data")
}

// TestHubBusy: a hub that is busy for a while is asked again; one that stays busy or
// refuses is no hub that lacks the data.
func TestHubBusy(t *testing.T) {
	f := newFakeHub(t)
	options := core.Options{"tasks": []string{"piqa"}, "skip_missing": true}
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		f.failures, f.status = 5, status
		wantError(t, options, `task "piqa": split "validation": data set "baber/piqa"`, f.URL+"/api/datasets/baber/piqa/revision/main", fmt.Sprint(status), "run again later", "set the option data")
	}
	f.failures, f.status = 1, http.StatusForbidden
	wantError(t, options, `task "piqa": split "validation": data set "baber/piqa"`, "403", "accept the terms")
	f.failures, f.status = 4, http.StatusTooManyRequests
	e, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Evaluate(t.Context(), checksumScorer(), ""); err != nil || len(f.fetched) != 1 {
		t.Errorf("busy four times: fetched %q, %v", f.fetched, err)
	}
}

// TestNoDataset: a task of one's own without a data set needs the option data.
func TestNoDataset(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "own.toml"), "task = \"own\"\ntest_split = \"test\"\ndoc_to_text = \"q\"\ndoc_to_choice = \"c\"\ndoc_to_target = \"a\"\nmetrics = [\"acc\"]\nversion = 1.0\n[[files]]\npath = \"own.jsonl\"\n")
	wantError(t, core.Options{"tasks": []string{"own"}, "task_dir": dir}, `task "own"`, "names no data set of the hub: set the option data")
}

// TestCacheOfHuggingFace reads what huggingface_hub has put into its cache.
func TestCacheOfHuggingFace(t *testing.T) {
	newFakeHub(t)
	t.Setenv("HF_HUB_OFFLINE", "1")
	repository := filepath.Join(os.Getenv("HF_HOME"), "hub", "datasets--baber--piqa")
	write(t, filepath.Join(repository, "refs", "main"), "abc123")
	write(t, filepath.Join(repository, "snapshots", "abc123", "piqa_validation.parquet"), string(toParquet(t, "testdata/bench/baber/piqa/default/validation.jsonl")))
	d := &Definition{Task: "piqa", DatasetPath: "baber/piqa"}
	got, err := newLibrary("").split(t.Context(), d, "validation")
	if err != nil {
		t.Fatal(err)
	}
	want, err := newLibrary("testdata/bench").split(t.Context(), d, "validation")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := dump(got), dump(want); a != b {
		t.Error(firstDifference(a, b))
	}
}
