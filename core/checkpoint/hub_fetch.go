package checkpoint

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
)

// download brings one file into the cache: the blob, complete and with the right
// hash, then the snapshot's link to it.
func (h *hub) download(ctx context.Context, r *repository, commit string, f hubFile) error {
	if !safeName(f.etag()) || !filepath.IsLocal(filepath.FromSlash(f.Name)) {
		return fmt.Errorf("the hub gives it the impossible hash %q, or it is no place in a folder", f.etag())
	}
	blob := filepath.Join(r.folder, "blobs", f.etag())
	if err := os.MkdirAll(filepath.Dir(blob), 0o777); err != nil {
		return err
	}
	unlock, err := lockFile(filepath.Join(h.cache, ".locks", filepath.Base(r.folder), f.etag()+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if info, err := os.Stat(blob); err != nil || info.Size() != f.Size {
		address := fmt.Sprintf("%s/%s%s/resolve/%s/%s", h.endpoint, r.site, r.id, commit, (&url.URL{Path: f.Name}).EscapedPath())
		if err := h.fill(ctx, address, blob+".incomplete", f); err != nil {
			return err
		}
		if err := os.Rename(blob+".incomplete", blob); err != nil {
			return err
		}
	}
	return link(blob, filepath.Join(r.folder, "snapshots", commit, filepath.FromSlash(f.Name)))
}

// fill completes the partial file at path, going on from what an interrupted
// download left, and checks size and hash. A wrong hash removes the file.
func (h *hub) fill(ctx context.Context, address, path string, f hubFile) error {
	if err := h.retry(ctx, 5, func() error { return h.fillOnce(ctx, address, path, f) }); err != nil {
		return err
	}
	if err := checkHash(path, f); err != nil {
		os.Remove(path)
		return fmt.Errorf("%w (removed; run again to download it anew)", err)
	}
	return nil
}

func (h *hub) fillOnce(ctx context.Context, address, path string, f hubFile) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Sync(), file.Close()) }()
	done, err := file.Seek(0, io.SeekEnd)
	if err != nil || done == f.Size {
		return err
	}
	if done > f.Size { // of another file, or damaged
		done = 0
	}
	resp, err := h.get(ctx, address, done)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent {
		done = 0 // the server sends the whole
	}
	if err := errors.Join(file.Truncate(done), seek(file, done)); err != nil {
		return err
	}
	body := &progressReader{resp.Body, f.Name, done, f.Size, h.progress}
	n, err := io.Copy(file, io.LimitReader(body, f.Size-done+1))
	switch {
	case err != nil:
		return &transientError{err: err}
	case done+n > f.Size:
		return errors.Join(fmt.Errorf("more than its %d bytes", f.Size), file.Truncate(0))
	case done+n < f.Size:
		return &transientError{err: fmt.Errorf("%d of %d bytes: %w", done+n, f.Size, io.ErrUnexpectedEOF)}
	}
	return nil
}

func seek(f *os.File, offset int64) error {
	_, err := f.Seek(offset, io.SeekStart)
	return err
}

// checkHash compares a file with what the hub says of it: SHA-256 of large files,
// git's SHA-1 of a blob of small ones.
func checkHash(path string, f hubFile) error {
	var sum hash.Hash
	if f.LFS != nil {
		sum = sha256.New()
	} else {
		sum = sha1.New()
		fmt.Fprintf(sum, "blob %d\x00", f.Size)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.etag() {
		return fmt.Errorf("its hash is %s, the hub says %s", got, f.etag())
	}
	return nil
}

// link puts a relative link to the blob into the snapshot, or where the system
// has none the content.
func link(blob, path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	os.Remove(path) // a link to nothing
	target, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return err
	}
	if err := os.Symlink(target, path); err != nil {
		return copyFile(blob, path)
	}
	return nil
}

// A progressReader tells how far a file is.
type progressReader struct {
	r           io.Reader
	name        string
	done, total int64
	tell        Progress
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.done += int64(n)
	if p.tell != nil {
		p.tell(p.name, p.done, p.total)
	}
	return n, err
}
