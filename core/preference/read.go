package preference

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/core/chat"
)

// maxRowBytes bounds one row of JSON, so that a file that is no text cannot fill
// the memory.
const maxRowBytes = 64 << 20

// row is one record of a file, not yet decoded where it is JSON.
type row struct {
	place  place
	json   []byte // nil where the file is Parquet
	fields fields // of a Parquet row
}

// place is where a row stands in its file, counted from 1.
type place struct {
	unit   string // "line" or "row"
	number int
}

func (p place) String() string { return fmt.Sprintf("%s %d", p.unit, p.number) }

// decode returns the row's fields.
func (r row) decode() (fields, error) {
	if r.json == nil {
		return r.fields, nil
	}
	v, err := chat.ParseJSON(r.json)
	if err != nil {
		return fields{}, fmt.Errorf("malformed JSON: %w", err)
	}
	o, ok := v.(*chat.Object)
	if !ok {
		return fields{}, fmt.Errorf("the row is %s, not an object with fields", kindOf(v))
	}
	return fields{o}, nil
}

// readRows yields the rows of the file at path in order, as they are read. The
// first error ends it.
func readRows(path string) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(row{}, err)
			return
		}
		defer f.Close()
		if isParquet(f) {
			readParquet(f)(yield)
			return
		}
		if err := checkExtension(path); err != nil {
			yield(row{}, err)
			return
		}
		text, err := uncompressed(f)
		if err != nil {
			yield(row{}, err)
			return
		}
		readJSON(text)(yield)
	}
}

// checkExtension refuses names of files that are neither JSON nor Parquet, so
// that a CSV does not fail with a puzzle about its first character.
func checkExtension(path string) error {
	name := strings.TrimSuffix(strings.ToLower(path), ".gz")
	switch ext := filepath.Ext(name); ext {
	case ".jsonl", ".json", ".ndjson", "":
		return nil
	case ".parquet":
		return errors.New("not a Parquet file: it does not begin and end with PAR1 (truncated?)")
	default:
		return fmt.Errorf("unknown kind of file %q; use .jsonl, .json, .jsonl.gz, .json.gz or .parquet", ext)
	}
}

// uncompressed returns r's bytes, gunzipped where they are gzip, without a
// byte order mark.
func uncompressed(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReaderSize(z, 1<<16)
	}
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readJSON yields the elements of a JSON array, or else the lines.
func readJSON(b *bufio.Reader) iter.Seq2[row, error] {
	if first, ok := firstByte(b); ok && first == '[' {
		return readArray(b)
	}
	return readLines(b)
}

// firstByte returns the first byte that is not white space, reading none.
func firstByte(b *bufio.Reader) (byte, bool) {
	for n := 64; ; n *= 2 {
		head, err := b.Peek(min(n, b.Size()))
		if s := bytes.TrimLeft(head, " \t\r\n"); len(s) > 0 {
			return s[0], true
		}
		if err != nil || n >= b.Size() {
			return 0, false
		}
	}
}

// readLines yields the lines that are not blank.
func readLines(b *bufio.Reader) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		s := bufio.NewScanner(b)
		s.Buffer(make([]byte, 0, 1<<16), maxRowBytes)
		line := 0
		for s.Scan() {
			line++
			if text := bytes.TrimSpace(s.Bytes()); len(text) > 0 {
				if !yield(row{place: place{"line", line}, json: bytes.Clone(text)}, nil) {
					return
				}
			}
		}
		if err := s.Err(); err != nil {
			if errors.Is(err, bufio.ErrTooLong) {
				err = fmt.Errorf("longer than %d MiB; one row a line is expected", maxRowBytes>>20)
			}
			yield(row{}, fmt.Errorf("%v: %w", place{"line", line + 1}, err))
		}
	}
}

// readArray yields the elements of one JSON array, decoded as they come.
func readArray(b *bufio.Reader) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		limited := &rowLimit{r: b, left: maxRowBytes}
		d := json.NewDecoder(limited)
		number := 1
		fail := func(err error) {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("the file ends within the array")
			}
			yield(row{}, fmt.Errorf("%v: %w", place{"row", number}, err))
		}
		if _, err := d.Token(); err != nil {
			fail(err)
			return
		}
		for ; d.More(); number++ {
			limited.left = maxRowBytes
			var element json.RawMessage
			if err := d.Decode(&element); err != nil {
				fail(err)
				return
			}
			if !yield(row{place: place{"row", number}, json: element}, nil) {
				return
			}
		}
		if _, err := d.Token(); err != nil {
			fail(err)
			return
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			yield(row{}, errors.New("malformed JSON: text after the array's end"))
		}
	}
}

// rowLimit fails once more than left bytes were read since left was last set.
type rowLimit struct {
	r    io.Reader
	left int
}

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("longer than %d MiB", maxRowBytes>>20)
	}
	n, err := l.r.Read(p)
	l.left -= n
	return n, err
}

// clip shortens s to about n bytes, cut between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
