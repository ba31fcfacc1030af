//go:build unix

package checkpoint

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A mapping is a file's content, read as it is touched and shared with the page
// cache, so that a model larger than memory opens at once.
type mapping struct {
	data []byte
}

func openMapping(path string) (*mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	if info.Size() == 0 {
		return &mapping{}, nil
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %q: %w", path, err)
	}
	return &mapping{data}, nil
}

func (m *mapping) size() int64 { return int64(len(m.data)) }

func (m *mapping) readerAt() io.ReaderAt { return bytes.NewReader(m.data) }

// bytes returns n bytes from offset on; the caller has checked that they exist.
// They are valid until close.
func (m *mapping) bytes(offset, n int64) ([]byte, error) {
	return m.data[offset : offset+n : offset+n], nil
}

// release drops the pages from begin to end, with what else is on them; the file
// has them still. That it may fail matters to nobody.
func (m *mapping) release(begin, end int64) {
	begin -= begin % int64(os.Getpagesize())
	_ = unix.Madvise(m.data[begin:end], unix.MADV_DONTNEED)
}

func (m *mapping) close() error {
	data := m.data
	m.data = nil
	if data == nil {
		return nil
	}
	return unix.Munmap(data)
}
