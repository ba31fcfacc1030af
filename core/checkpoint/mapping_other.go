//go:build !unix

package checkpoint

import (
	"fmt"
	"io"
	"os"
)

// A mapping is a file's content, read part by part where there is no mmap.
type mapping struct {
	file   *os.File
	length int64
}

func openMapping(path string) (*mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &mapping{f, info.Size()}, nil
}

func (m *mapping) size() int64 { return m.length }

func (m *mapping) readerAt() io.ReaderAt { return m.file }

// bytes returns n bytes from offset on; the caller has checked that they exist.
func (m *mapping) bytes(offset, n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := m.file.ReadAt(b, offset); err != nil {
		return nil, err
	}
	return b, nil
}

// release has nothing to give back: bytes returns copies.
func (m *mapping) release(begin, end int64) {}

func (m *mapping) close() error { return m.file.Close() }
