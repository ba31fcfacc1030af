package multiplechoice

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// readFile returns the documents of a file by its extension: .jsonl, .json
// (a list, or one object a line), .csv and .parquet, the first three also with
// .gz.
func readFile(path string, f File) ([]py.Object, error) {
	docs, err := readAny(path, f)
	if err != nil {
		return nil, fmt.Errorf("data file %q: %w", path, err)
	}
	if len(docs) == 0 {
		return nil, fmt.Errorf("data file %q: it holds no documents", path)
	}
	return docs, nil
}

func readAny(path string, f File) ([]py.Object, error) {
	if strings.HasSuffix(path, ".parquet") {
		return readParquet(path)
	}
	data, err := readText(path)
	if err != nil {
		return nil, err
	}
	switch name := strings.TrimSuffix(path, ".gz"); {
	case strings.HasSuffix(name, ".csv"):
		return readCSV(data, f)
	case strings.HasSuffix(name, ".json"), strings.HasSuffix(name, ".jsonl"):
		if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
			return readList(data)
		}
		return py.ParseLines(data)
	}
	return nil, errors.New("its extension is none of .jsonl, .json, .csv (each also with .gz) and .parquet")
}

// readText returns a file's bytes, unpacked and without a byte order mark.
func readText(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(bufio.NewReader(file)); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(r)
	return bytes.TrimPrefix(data, []byte("\ufeff")), err
}

func readList(data []byte) ([]py.Object, error) {
	v, err := py.ParseJSON(data)
	if err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	docs := make([]py.Object, len(list))
	for i, e := range list {
		o, ok := e.(py.Object)
		if !ok {
			return nil, fmt.Errorf("element %d is no object", i)
		}
		docs[i] = o
	}
	return docs, nil
}

// readCSV reads quoted fields with commas and line ends as RFC 4180 has them.
func readCSV(data []byte, f File) ([]py.Object, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = len(f.Columns)
	r.LazyQuotes = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	columns := f.Columns
	if f.hasHeader() && len(rows) > 0 {
		if columns == nil {
			columns = rows[0]
		}
		rows = rows[1:]
	}
	docs := make([]py.Object, len(rows))
	for i, row := range rows {
		if len(row) != len(columns) {
			return nil, fmt.Errorf("row %d has %d fields where there are %d columns", i+1, len(row), len(columns))
		}
		for j, cell := range row {
			docs[i].Set(columns[j], cell)
		}
	}
	return docs, nil
}
