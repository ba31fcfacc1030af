package checkpoint

import (
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fakeHub serves one model or data set, ORG/NAME at revision main, as
// huggingface.co does: a listing, and large files by redirection to another host.
type fakeHub struct {
	*httptest.Server
	cdn      *httptest.Server
	content  map[string][]byte
	datasets bool // it is a data set
	mu       sync.Mutex
	requests []string
	cut      int // end the next large answers after so many bytes
	failures int // answer the next requests with status, 503 unless set
	status   int
	after    string // their headers Retry-After
	code     string // and X-Error-Code
	page     string // answer the listing with this instead
	noRanges bool   // ignore Range
	spoil    bool   // change a bit of large answers
	gated    bool   // answer 403 for files
	leaked   bool   // the other host has seen the token
}

const commit = "0123456789abcdef0123456789abcdef01234567"

func newFakeHub(t *testing.T, content map[string][]byte) *fakeHub {
	f := &fakeHub{content: content}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	f.cdn = httptest.NewServer(http.HandlerFunc(f.serveLarge))
	t.Cleanup(f.Close)
	t.Cleanup(f.cdn.Close)
	t.Setenv("HF_ENDPOINT", f.URL)
	t.Setenv("HF_HOME", t.TempDir())
	for _, name := range []string{"HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN_PATH"} {
		t.Setenv(name, "")
	}
	t.Setenv("HF_TOKEN", "secret")
	return f
}

func (f *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.URL.Path+" "+r.Header.Get("Range"))
	api, site := "/api/models/ORG/NAME/", "/ORG/NAME/resolve/"+commit+"/"
	if f.datasets {
		api, site = "/api/datasets/ORG/NAME/", "/datasets"+site
	}
	switch {
	case f.failures > 0:
		f.failures--
		w.Header().Set("Retry-After", f.after)
		w.Header().Set("X-Error-Code", f.code)
		http.Error(w, "busy", cmp.Or(f.status, http.StatusServiceUnavailable))
	case r.Header.Get("Authorization") != "Bearer secret":
		http.Error(w, "who are you", http.StatusUnauthorized)
	case r.URL.Path == api+"revision/main" && r.URL.Query().Get("blobs") == "true" && f.page != "":
		io.WriteString(w, f.page)
	case r.URL.Path == api+"revision/main" && r.URL.Query().Get("blobs") == "true":
		f.list(w)
	case f.gated:
		http.Error(w, "ask for access", http.StatusForbidden)
	case strings.HasPrefix(r.URL.Path, site):
		name := strings.TrimPrefix(r.URL.Path, site)
		if isLarge(name) {
			// A host of another name, as cookies and credentials see it.
			http.Redirect(w, r, strings.Replace(f.cdn.URL, "127.0.0.1", "localhost", 1)+"/"+name, http.StatusFound)
			return
		}
		w.Write(f.content[name])
	default:
		http.NotFound(w, r)
	}
}

func isLarge(name string) bool {
	return strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".parquet")
}

func (f *fakeHub) serveLarge(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaked = f.leaked || r.Header.Get("Authorization") != ""
	data := f.content[strings.TrimPrefix(r.URL.Path, "/")]
	if f.spoil {
		data = append([]byte{data[0] ^ 1}, data[1:]...)
	}
	from := 0
	if at, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && !f.noRanges {
		from, _ = strconv.Atoi(strings.TrimSuffix(at, "-"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	if f.cut > 0 {
		w.Write(data[from:min(from+f.cut, len(data))])
		f.cut = 0
		return // fewer bytes than promised: the connection breaks
	}
	w.Write(data[from:])
}

func (f *fakeHub) list(w http.ResponseWriter) {
	var files []map[string]any
	for name, data := range f.content {
		git := sha1.New()
		fmt.Fprintf(git, "blob %d\x00%s", len(data), data)
		file := map[string]any{"rfilename": name, "size": len(data), "blobId": fmt.Sprintf("%x", git.Sum(nil))}
		if isLarge(name) {
			file["lfs"] = map[string]any{"sha256": fmt.Sprintf("%x", sha256.Sum256(data)), "size": len(data), "pointerSize": 130}
		}
		files = append(files, file)
	}
	json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": files})
}

// model is the content of a repository.
func model(t *testing.T) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	writeTiny(t, dir, "float16", 0)
	weights, err := os.ReadFile(filepath.Join(dir, singleFile))
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"config.json": []byte(tinyConfig), singleFile: weights, "tokenizer.json": []byte("{}"),
		"README.md": []byte("a model"), "onnx/model.onnx": []byte("large"), "pytorch_model.bin": []byte("large"),
	}
}

// noSleep is for hubs that do not wait.
func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// resolve is Resolve of ORG/NAME without waiting between attempts.
func resolve(t *testing.T, name string, progress Progress) (string, error) {
	t.Helper()
	h, err := newHub(progress)
	if err != nil {
		t.Fatal(err)
	}
	h.sleep = noSleep
	return h.model(context.Background(), name)
}

func TestHub(t *testing.T) {
	f := newFakeHub(t, model(t))
	f.failures = 2
	total := int64(0)
	dir, err := resolve(t, "ORG/NAME", func(_ string, done, _ int64) { total = max(total, done) })
	if err != nil {
		t.Fatal(err)
	}
	checkTiny(t, dir, tinyArchitecture(t))
	hub := filepath.Join(os.Getenv("HF_HOME"), "hub", "models--ORG--NAME")
	if dir != filepath.Join(hub, "snapshots", commit) {
		t.Errorf("got folder %q", dir)
	}
	if ref, err := os.ReadFile(filepath.Join(hub, "refs", "main")); err != nil || string(ref) != commit {
		t.Errorf("got ref %q, %v", ref, err)
	}
	if got := files(t, dir); len(got) != 3 {
		t.Errorf("got files %v, want config, tokenizer and weights", got)
	}
	if target, err := os.Readlink(filepath.Join(dir, singleFile)); err != nil || target != fmt.Sprintf("../../blobs/%x", sha256.Sum256(f.content[singleFile])) {
		t.Errorf("got link %q, %v", target, err)
	}
	if f.leaked {
		t.Error("the token went to another host")
	}
	if total != int64(len(f.content[singleFile])) {
		t.Errorf("progress ended at %d of %d bytes", total, len(f.content[singleFile]))
	}
	f.requests = nil
	if _, err := resolve(t, "ORG/NAME", nil); err != nil || len(f.requests) != 1 {
		t.Errorf("a second time: requests %q, %v", f.requests, err)
	}
}

// TestHubResume breaks the connection after 100 bytes: the rest alone is asked for,
// and a server without ranges is asked for the whole.
func TestHubResume(t *testing.T) {
	for _, noRanges := range []bool{false, true} {
		f := newFakeHub(t, model(t))
		f.cut, f.noRanges = 100, noRanges
		dir, err := resolve(t, "ORG/NAME", nil)
		if err != nil {
			t.Fatal(err)
		}
		checkTiny(t, dir, tinyArchitecture(t))
		resumed := false
		for _, r := range f.requests {
			resumed = resumed || strings.HasSuffix(r, "bytes=100-")
		}
		if !resumed {
			t.Errorf("no request from byte 100 on: %q", f.requests)
		}
	}
}

// TestHubCorrupt refuses content that is not what the listing says, and keeps
// nothing of it.
func TestHubCorrupt(t *testing.T) {
	f := newFakeHub(t, model(t))
	if _, err := resolve(t, "ORG/NAME", nil); err != nil {
		t.Fatal(err)
	}
	blobs := filepath.Join(os.Getenv("HF_HOME"), "hub", "models--ORG--NAME", "blobs")
	weights := filepath.Join(blobs, fmt.Sprintf("%x", sha256.Sum256(f.content[singleFile])))
	if err := os.Remove(weights); err != nil {
		t.Fatal(err)
	}
	spoiled := append([]byte{}, f.content[singleFile]...)
	spoiled[200] ^= 1
	if err := os.WriteFile(weights+".incomplete", spoiled[:300], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve(t, "ORG/NAME", nil); !hasAll(err, singleFile, "its hash is", "the hub says", "run again") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(weights + ".incomplete"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spoiled file is still there: %v", err)
	}
	if _, err := resolve(t, "ORG/NAME", nil); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestHubOffline(t *testing.T) {
	f := newFakeHub(t, model(t))
	t.Setenv("HF_HUB_OFFLINE", "1")
	if _, err := resolve(t, "ORG/NAME", nil); !hasAll(err, "ORG/NAME", "not in the cache", "HF_HUB_OFFLINE") {
		t.Errorf("offline with an empty cache: %v", err)
	}
	if len(f.requests) != 0 {
		t.Errorf("offline, and asked for %q", f.requests)
	}
	t.Setenv("HF_HUB_OFFLINE", "")
	want, err := resolve(t, "ORG/NAME", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_HUB_OFFLINE", "YES")
	if got, err := resolve(t, "ORG/NAME", nil); err != nil || got != want {
		t.Errorf("offline with a full cache: %q, %v", got, err)
	}
	t.Setenv("HF_HUB_OFFLINE", "")
	f.Close()
	if got, err := resolve(t, "ORG/NAME", nil); err != nil || got != want {
		t.Errorf("unreachable with a full cache: %q, %v", got, err)
	}
	if err := os.Remove(filepath.Join(want, singleFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve(t, "ORG/NAME", nil); !hasAll(err, "list its files", "refused") {
		t.Errorf("unreachable with an incomplete cache: %v", err)
	}
}

// TestHubOutOfOrder: a full cache serves where the hub is busy or answers nonsense,
// and not where it refuses.
func TestHubOutOfOrder(t *testing.T) {
	f := newFakeHub(t, model(t))
	want, err := resolve(t, "ORG/NAME", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{500, 503, 429} {
		f.failures, f.status = 1, status
		if got, err := resolve(t, "ORG/NAME", nil); err != nil || got != want {
			t.Errorf("%d: got %q, %v", status, got, err)
		}
	}
	for _, status := range []int{401, 403, 404} {
		f.failures, f.status = 1, status
		if _, err := resolve(t, "ORG/NAME", nil); !hasAll(err, strconv.Itoa(status)) {
			t.Errorf("%d: got %v", status, err)
		}
	}
	for _, page := range []string{"<html>sign in", `{"sha": "01`, `{"sha": 1}`, "{}"} {
		f.page = page
		if got, err := resolve(t, "ORG/NAME", nil); err != nil || got != want {
			t.Errorf("%s: got %q, %v", page, got, err)
		}
	}
	if err := os.Remove(filepath.Join(want, singleFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve(t, "ORG/NAME", nil); !hasAll(err, "ORG/NAME", "incomplete", "cannot be asked", "no commit") {
		t.Errorf("an incomplete cache: %v", err)
	}
}

func TestHubErrors(t *testing.T) {
	f := newFakeHub(t, model(t))
	for name, want := range map[string]string{
		"ORG/OTHER":       "does not have it",
		"ORG/NAME@v2":     "does not have it",
		"ORG/../../x":     "is not the name of a model",
		"ORG/a--b":        "is not the name of a model",
		"a/b/c":           "is not the name of a model",
		"ORG/NAME@../../": "is not the name of a model",
	} {
		if _, err := resolve(t, name, nil); !hasAll(err, name, want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	t.Setenv("HF_TOKEN", "")
	if _, err := resolve(t, "ORG/NAME", nil); !hasAll(err, "private or gated: set HF_TOKEN") {
		t.Errorf("no token: %v", err)
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("HF_HOME"), "token"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve(t, "ORG/NAME", nil); err != nil {
		t.Errorf("a token in its file: %v", err)
	}
	delete(f.content, singleFile)
	if _, err := resolve(t, "ORG/NAME", nil); !hasAll(err, "no config.json with safetensors") {
		t.Errorf("no weights: %v", err)
	}
	f.failures = 5
	t.Setenv("HF_TOKEN", "secret")
	t.Setenv("HF_HOME", t.TempDir())
	if _, err := resolve(t, "ORG/NAME", nil); !hasAll(err, "503") {
		t.Errorf("five failures: %v", err)
	}
}

// TestHubConcurrent downloads from several goroutines at once: one fetches, the
// others wait for its lock.
func TestHubConcurrent(t *testing.T) {
	f := newFakeHub(t, model(t))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := resolve(t, "ORG/NAME", nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count := 0
	for _, r := range f.requests {
		if strings.Contains(r, singleFile) {
			count++
		}
	}
	if count != 1 {
		t.Errorf("the weights were asked for %d times", count)
	}
}
