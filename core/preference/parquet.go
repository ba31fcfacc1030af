package preference

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"reflect"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/stepwise-dpo/stepwise/core/chat"
)

// parquetBatch is how many rows are decoded at a time.
const parquetBatch = 64

// isParquet reports whether f begins and ends as Parquet files do. It leaves f
// at its beginning.
func isParquet(f *os.File) bool {
	var head, tail [4]byte
	info, err := f.Stat()
	if err != nil || info.Size() < 12 {
		return false
	}
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return false
	}
	if _, err := f.ReadAt(tail[:], info.Size()-4); err != nil {
		return false
	}
	return bytes.Equal(head[:], []byte("PAR1")) && bytes.Equal(tail[:], []byte("PAR1"))
}

// readParquet yields the file's rows, decoded a batch at a time.
func readParquet(f *os.File) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		r, err := openParquet(f)
		if err != nil {
			yield(row{}, err)
			return
		}
		defer r.Close()
		for number := 1; ; {
			batch, err := nextBatch(r)
			for _, v := range batch {
				x, err := parquetRow(r.Schema(), v)
				if err != nil {
					err = fmt.Errorf("%v: %w", place{"row", number}, err)
				}
				if !yield(row{place: place{"row", number}, fields: x}, err) || err != nil {
					return
				}
				number++
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(row{}, fmt.Errorf("%v: %w", place{"row", number}, err))
				}
				return
			}
		}
	}
}

// parquetRow makes a row's fields of what the library reads.
func parquetRow(schema parquet.Node, v any) (fields, error) {
	x := parquetValue(schema, v)
	o, ok := x.(*chat.Object)
	if !ok {
		return fields{}, fmt.Errorf("%s instead of columns", kindOf(x))
	}
	return fields{o}, nil
}

// parquetValue converts a value of the node n; the fields of a struct come in
// the file's order.
func parquetValue(n parquet.Node, v any) chat.Value {
	switch v := v.(type) {
	case map[string]any:
		if n.Type().LogicalType() != nil {
			return parquetMap(v)
		}
		o := chat.NewObject()
		for _, f := range n.Fields() {
			o.Set(f.Name(), parquetValue(f, v[f.Name()]))
		}
		return o
	case []any:
		list := &chat.List{Items: make([]chat.Value, len(v))}
		for i, e := range v {
			list.Items[i] = parquetValue(elementOf(n), e)
		}
		return list
	}
	return parquetLeaf(v)
}

// parquetMap converts a MAP, whose keys are no fields of its node and have no order
// but the alphabet's. The library gives values that may be null by pointers.
func parquetMap(m map[string]any) chat.Value {
	o := chat.NewObject()
	for _, key := range slices.Sorted(maps.Keys(m)) {
		var leaf any
		if v := reflect.Indirect(reflect.ValueOf(m[key])); v.IsValid() {
			leaf = v.Interface()
		}
		o.Set(key, parquetLeaf(leaf))
	}
	return o
}

// parquetLeaf converts a value that holds no others. What JSON could not hold (times,
// say) becomes text: such a column is no part of a preference.
func parquetLeaf(v any) chat.Value {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case string: // its encoding is checked where it is used
		return v
	}
	x, err := chat.ValueOf(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return x
}

// elementOf returns the node of a list's elements: the one within the repeated
// group of a LIST, else n itself, repeated.
func elementOf(n parquet.Node) parquet.Node {
	if n.Leaf() || n.Type().LogicalType() == nil {
		return n
	}
	repeated := n.Fields()[0]
	if repeated.Leaf() || len(repeated.Fields()) != 1 {
		return repeated
	}
	return repeated.Fields()[0]
}

// openParquet opens f. The library panics on some damaged files; that comes back
// as an error.
func openParquet(f *os.File) (r *parquet.GenericReader[any], err error) {
	defer recoverAs(&err)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return parquet.NewGenericReader[any](file), nil
}

// nextBatch reads up to parquetBatch rows; the error is io.EOF after the last.
func nextBatch(r *parquet.GenericReader[any]) (rows []any, err error) {
	defer recoverAs(&err)
	rows = make([]any, parquetBatch)
	n, err := r.Read(rows)
	if err == nil && n == 0 {
		err = io.ErrNoProgress
	}
	return rows[:n], err
}

// recoverAs turns a panic of the Parquet library into an error.
func recoverAs(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("parquet: damaged file: %v", p)
	}
}
