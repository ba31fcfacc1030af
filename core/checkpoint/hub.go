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
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A hub downloads models into the cache that huggingface_hub keeps, in its
// layout, so that both find what the other fetched:
//
//	models--ORG--NAME/refs/main                the commit that a revision means
//	models--ORG--NAME/blobs/ETAG               content, named by its hash
//	models--ORG--NAME/snapshots/COMMIT/FILE    a link into blobs
type hub struct {
	client   *http.Client
	endpoint string // HF_ENDPOINT
	cache    string // HF_HUB_CACHE, HF_HOME/hub
	token    string // HF_TOKEN, HF_HOME/token
	offline  bool   // HF_HUB_OFFLINE
	wait     time.Duration
	progress Progress
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
		offline:  isTrue(envOr("HF_HUB_OFFLINE", os.Getenv("TRANSFORMERS_OFFLINE"))),
		wait:     time.Second,
		progress: progress,
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

func isTrue(v string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(v))
}

// hubName matches ORG/NAME, and ORG/NAME@REVISION for a branch, tag or commit.
var hubName = regexp.MustCompile(`^([\w][\w.-]*/[\w][\w.-]*)(?:@([\w][\w.-]*))?$`)

// A hubFile is a file of a model on the hub.
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

// fetch returns the folder of a model's snapshot, downloading what is not cached.
func (h *hub) fetch(ctx context.Context, name string) (string, error) {
	m := hubName.FindStringSubmatch(name)
	if m == nil || strings.Contains(name, "--") || strings.Contains(name, "..") {
		return "", fmt.Errorf("%q is not the name of a model on the hub (ORG/NAME)", name)
	}
	id, revision := m[1], m[2]
	if revision == "" {
		revision = "main"
	}
	repo := filepath.Join(h.cache, "models--"+strings.ReplaceAll(id, "/", "--"))
	if h.offline {
		dir, err := h.cached(repo, revision)
		if err != nil {
			return "", fmt.Errorf("model %q: %w, and HF_HUB_OFFLINE forbids to download it", name, err)
		}
		return dir, nil
	}
	attempts := 5
	old, oldErr := h.cached(repo, revision)
	if oldErr == nil {
		attempts = 1 // the hub is only asked for news
	}
	commit, files, err := h.list(ctx, id, revision, attempts)
	var unreachable *url.Error
	if oldErr == nil && errors.As(err, &unreachable) && ctx.Err() == nil {
		return old, nil
	}
	if err != nil {
		return "", fmt.Errorf("model %q: %w", name, err)
	}
	dir := filepath.Join(repo, "snapshots", commit)
	for _, f := range files {
		if err := h.download(ctx, id, commit, repo, f); err != nil {
			return "", fmt.Errorf("model %q: file %q: %w", name, f.Name, err)
		}
	}
	if revision == commit {
		return dir, nil
	}
	return dir, setRef(filepath.Join(repo, "refs", revision), commit)
}

// setRef notes the commit of a branch or tag.
func setRef(path, commit string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return writeText(path, commit)
}

// cached returns the snapshot of a revision if the cache has all of its weights.
func (h *hub) cached(repo, revision string) (string, error) {
	commit := revision
	if ref, err := os.ReadFile(filepath.Join(repo, "refs", revision)); err == nil {
		commit = strings.TrimSpace(string(ref))
	}
	dir := filepath.Join(repo, "snapshots", commit)
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
		return "", fmt.Errorf("revision %q is not in the cache %q", revision, h.cache)
	}
	files, _, err := weightFiles(dir)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			return "", fmt.Errorf("the cache is incomplete: %w", err)
		}
	}
	return dir, nil
}

// list asks the hub for the commit of a revision and its files that a model needs.
func (h *hub) list(ctx context.Context, id, revision string, attempts int) (commit string, files []hubFile, err error) {
	address := fmt.Sprintf("%s/api/models/%s/revision/%s?blobs=true", h.endpoint, id, url.PathEscape(revision))
	var info struct {
		SHA      string    `json:"sha"`
		Siblings []hubFile `json:"siblings"`
	}
	err = h.retry(ctx, attempts, func() error {
		resp, err := h.get(ctx, address, 0)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&info)
	})
	if err != nil {
		return "", nil, fmt.Errorf("list its files: %w", err)
	}
	if !safeName(info.SHA) {
		return "", nil, fmt.Errorf("answer of %s: no commit", address)
	}
	files, err = needed(info.Siblings)
	return info.SHA, files, err
}

// needed selects, from all of a repository, the files of a Hugging Face folder.
func needed(all []hubFile) ([]hubFile, error) {
	single := slices.ContainsFunc(all, func(f hubFile) bool { return f.Name == singleFile })
	patterns := append([]string{"config.json"}, carried...)
	if single {
		patterns = append(patterns, singleFile)
	} else {
		patterns = append(patterns, indexFile, "model-*-of-*.safetensors")
	}
	var files []hubFile
	for _, f := range all {
		wanted := slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, f.Name); return ok })
		if !wanted {
			continue
		}
		if !safeName(f.etag()) || !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return nil, fmt.Errorf("file %q has the impossible hash %q", f.Name, f.etag())
		}
		files = append(files, f)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(files, func(f hubFile) bool { return f.Name == name })
	}
	if !has("config.json") || !has(singleFile) && !has(indexFile) {
		return nil, errors.New("the repository has no config.json with safetensors: it is not a model that can be read here")
	}
	return files, nil
}

// safeName says whether a name from the network may become a file's.
func safeName(name string) bool {
	return name != "" && strings.Trim(name, "0123456789abcdef") == ""
}
