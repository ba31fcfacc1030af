package multiplechoice

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// readParquet returns the rows of a Parquet file, the columns in the schema's
// order. The library panics on some damaged files; that comes back as an error.
func readParquet(path string) (docs []py.Object, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged Parquet file: %v", p)
		}
	}()
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, err
	}
	r := parquet.NewGenericReader[any](file)
	defer r.Close()
	batch := make([]any, 64)
	for {
		n, err := r.Read(batch)
		for _, row := range batch[:n] {
			docs = append(docs, ordered(file.Root(), row).(py.Object))
		}
		switch {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		case n == 0:
			return nil, io.ErrNoProgress
		}
		clear(batch)
	}
}

// ordered converts a value that the library made of column c: maps become
// objects in the schema's order, list groups become lists, and what JSON could not
// hold (times, say) becomes text.
func ordered(c *parquet.Column, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if elements, inner, ok := listGroup(c, v); ok {
			return listOf(inner, elements)
		}
		o := py.Object{}
		for _, child := range c.Columns() {
			o.Set(child.Name(), ordered(child, v[child.Name()]))
		}
		return o
	case []any:
		return listOf(elementColumn(c), v)
	case []byte:
		return string(v)
	case int32:
		return int64(v)
	case uint32:
		return int64(v)
	case int64:
		if v < 0 && unsigned(c) { // the library has no uint64
			return json.Number(strconv.FormatUint(uint64(v), 10))
		}
		return v
	case float32:
		return float64(v)
	case nil, bool, float64, string:
		return v
	}
	return fmt.Sprint(v)
}

func unsigned(c *parquet.Column) bool {
	t := c.Type().LogicalType()
	if t == nil {
		return false
	}
	integer, ok := t.Value.(*format.IntType)
	return ok && !integer.IsSigned
}

// listGroup unwraps Parquet's three-level list: a group with one repeated group
// of one element.
func listGroup(c *parquet.Column, v map[string]any) (elements []any, inner *parquet.Column, ok bool) {
	inner = elementColumn(c)
	if inner == c || len(v) != 1 {
		return nil, nil, false
	}
	for _, repeated := range v {
		list, isList := repeated.([]any)
		if !isList {
			return nil, nil, repeated == nil
		}
		for _, e := range list {
			if m, isMap := e.(map[string]any); isMap && len(m) == 1 {
				e = m[inner.Name()]
			}
			elements = append(elements, e)
		}
	}
	return elements, inner, true
}

// elementColumn is the column of a list's elements, or c where it is no list
// group.
func elementColumn(c *parquet.Column) *parquet.Column {
	if outer := c.Columns(); len(outer) == 1 && outer[0].Repeated() {
		if inner := outer[0].Columns(); len(inner) == 1 {
			return inner[0]
		}
	}
	return c
}

func listOf(c *parquet.Column, elements []any) []any {
	list := make([]any, len(elements))
	for i, e := range elements {
		list[i] = ordered(c, e)
	}
	return list
}
