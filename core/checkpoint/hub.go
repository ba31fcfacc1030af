package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A hub downloads models and data sets into the cache that huggingface_hub keeps,
// in its layout, so that both find what the other fetched; data sets are below
// datasets--ORG--NAME:
//
//	models--ORG--NAME/refs/main                the commit that a revision means
//	models--ORG--NAME/blobs/ETAG               content, named by its hash
//	models--ORG--NAME/snapshots/COMMIT/FILE    a link into blobs
type hub struct {
	client   *http.Client
	endpoint string // HF_ENDPOINT
	cache    string // HF_HUB_CACHE, HF_HOME/hub
	token    string // HF_TOKEN, HF_HOME/token
	offline  string // the variable that forbids the network; empty = none
	sleep    func(context.Context, time.Duration) error
	progress Progress
	listed   map[string]*listing // by kind and name
}

// newHub reads the environment by huggingface_hub's rules (its constants.py).
func newHub(progress Progress) (*hub, error) {
	home := os.Getenv("HF_HOME")
	if home == "" {
		base := os.Getenv("XDG_CACHE_HOME")
		if base == "" {
			user, err := os.UserHomeDir()
			if err != nil {
				return nil, fmt.Errorf("no place for the hub's cache (set HF_HOME): %w", err)
			}
			base = filepath.Join(user, ".cache")
		}
		home = filepath.Join(base, "huggingface")
	}
	h := &hub{
		client:   http.DefaultClient,
		endpoint: strings.TrimRight(envOr("HF_ENDPOINT", "https://huggingface.co"), "/"),
		cache:    envOr("HF_HUB_CACHE", filepath.Join(home, "hub")),
		token:    os.Getenv("HF_TOKEN"),
		offline:  offlineBy("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"),
		sleep:    sleep,
		progress: progress,
		listed:   map[string]*listing{},
	}
	if h.token == "" {
		data, err := os.ReadFile(envOr("HF_TOKEN_PATH", filepath.Join(home, "token")))
		if err == nil {
			h.token = string(data)
		}
	}
	h.token = strings.TrimSpace(h.token)
	return h, nil
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// offlineBy returns the first of the variables that is set, if it is true.
func offlineBy(names ...string) string {
	for _, name := range names {
		switch v := os.Getenv(name); {
		case v == "":
		case slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(v)):
			return name
		default:
			return ""
		}
	}
	return ""
}

// A hubFile is a file of a repository on the hub.
type hubFile struct {
	Name   string `json:"rfilename"`
	Size   int64  `json:"size"`
	BlobID string `json:"blobId"` // git's SHA-1 of it
	LFS    *struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"lfs"` // of large files
}

// etag is the file's name among the blobs.
func (f hubFile) etag() string {
	if f.LFS != nil {
		return f.LFS.SHA256
	}
	return f.BlobID
}

// A listing is what the hub says of a repository at a revision.
type listing struct {
	commit string
	paths  []string
	files  map[string]hubFile // by path
	err    error              // why there is none
}

// A Choice picks from the paths of a repository's files, slashes between their
// parts, those that are wanted. Its error says what of the wanted is not there.
type Choice func(paths []string) ([]string, error)

// fetch returns the folder of a snapshot and the paths of the chosen files in it,
// downloading what is not cached. The cache serves alone where the hub is not to
// be, or cannot be, asked what is new: it is out of reach, busy or out of order.
func (h *hub) fetch(ctx context.Context, r *repository, choose Choice) (dir string, chosen []string, err error) {
	dir, chosen, missing := h.cached(r, choose)
	if h.offline != "" {
		if missing != nil {
			return "", nil, absent(inputf("%s %q: %w, and %s forbids to download it", r.noun, r.name, missing, h.offline))
		}
		return dir, chosen, nil
	}
	attempts := 5
	if missing == nil {
		attempts = 1
	}
	l, err := h.list(ctx, r, attempts)
	var transient *transientError
	switch {
	case err == nil:
		return h.update(ctx, r, l, choose)
	case !errors.As(err, &transient) || ctx.Err() != nil:
		return "", nil, fmt.Errorf("%s %q: %w", r.noun, r.name, err)
	case missing != nil:
		return "", nil, fmt.Errorf("%s %q: %w, and the hub cannot be asked: %w", r.noun, r.name, missing, err)
	}
	return dir, chosen, nil
}

// update brings the chosen files of a listing into the cache.
func (h *hub) update(ctx context.Context, r *repository, l *listing, choose Choice) (dir string, chosen []string, err error) {
	if chosen, err = choose(l.paths); err == nil {
		err = shardsComplete(chosen)
	}
	if err != nil {
		return "", nil, absent(inputf("%s %q: %w", r.noun, r.name, err))
	}
	for _, path := range chosen {
		if err := h.download(ctx, r, l.commit, l.files[path]); err != nil {
			return "", nil, fmt.Errorf("%s %q: file %q: %w", r.noun, r.name, path, err)
		}
	}
	if r.revision != l.commit {
		if err := setRef(filepath.Join(r.folder, "refs", r.revision), l.commit); err != nil {
			return "", nil, err
		}
	}
	return filepath.Join(r.folder, "snapshots", l.commit), chosen, nil
}

// setRef notes the commit of a branch or tag.
func setRef(path, commit string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return writeText(path, commit)
}

// list asks the hub for the commit of a revision and its files, once. What it
// failed at when a cache could serve is tried again where none can.
func (h *hub) list(ctx context.Context, r *repository, attempts int) (*listing, error) {
	key := r.plural + "/" + r.name
	l := h.listed[key]
	if l == nil || l.err != nil && attempts > 1 {
		l = h.listAnew(ctx, r, attempts)
		h.listed[key] = l
	}
	return l, l.err
}

func (h *hub) listAnew(ctx context.Context, r *repository, attempts int) *listing {
	address := fmt.Sprintf("%s/api/%s/%s/revision/%s?blobs=true", h.endpoint, r.plural, r.id, url.PathEscape(r.revision))
	var info struct {
		SHA      string    `json:"sha"`
		Siblings []hubFile `json:"siblings"`
	}
	err := h.retry(ctx, attempts, func() error {
		resp, err := h.get(ctx, address, 0)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		err = json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&info)
		if err == nil && !safeName(info.SHA) {
			err = errors.New("no commit")
		}
		if err != nil { // cut off, or the page of something in between
			return &transientError{err: fmt.Errorf("answer of %s: %w", address, err)}
		}
		return nil
	})
	if err != nil {
		return &listing{err: fmt.Errorf("list its files: %w", err)}
	}
	l := &listing{commit: info.SHA, files: map[string]hubFile{}}
	for _, f := range info.Siblings {
		l.paths = append(l.paths, f.Name)
		l.files[f.Name] = f
	}
	return l
}

// safeName says whether a name from the network may become a file's.
func safeName(name string) bool {
	return name != "" && strings.Trim(name, "0123456789abcdef") == ""
}
