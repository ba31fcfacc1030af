package preference

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// write puts data into a new file and returns its path.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t testing.TB, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll returns the values of the field x of each row and where it stands.
func readAll(t testing.TB, path string) (places, values []string, err error) {
	t.Helper()
	for r, err := range readRows(path) {
		if err != nil {
			return places, values, err
		}
		f, err := r.decode()
		if err != nil {
			return places, values, err
		}
		x, err := f.text("x")
		if err != nil {
			return places, values, err
		}
		places, values = append(places, r.place.String()), append(values, x)
	}
	return places, values, nil
}

func TestReadRows(t *testing.T) {
	lines := "{\"x\":\"a\"}\n\n  {\"x\":\"é\"}  \r\n{\"x\":\"c\"}"
	array := "\n [ {\"x\":\"a\"},\n{\"x\":\"é\"} , {\"x\":\"c\"}]\n"
	byLine, byRow := []string{"line 1", "line 3", "line 4"}, []string{"row 1", "row 2", "row 3"}
	for _, c := range []struct {
		name   string
		data   []byte
		places []string
	}{
		{"a.jsonl", []byte(lines), byLine},
		{"a.json", []byte(array), byRow},
		{"lines.json", []byte(lines), byLine}, // as datasets takes it
		{"array.jsonl", []byte(array), byRow},
		{"a.jsonl.gz", gzipped(t, lines), byLine},
		{"a.json.gz", gzipped(t, array), byRow},
		{"bom.jsonl", []byte("\xef\xbb\xbf" + lines), byLine},
		{"gzip-by-content.jsonl", gzipped(t, lines), byLine},
		{"no-extension", []byte(lines), byLine},
	} {
		t.Run(c.name, func(t *testing.T) {
			places, values, err := readAll(t, write(t, c.name, c.data))
			if err != nil || !reflect.DeepEqual(values, []string{"a", "é", "c"}) || !reflect.DeepEqual(places, c.places) {
				t.Errorf("%v %v %v", places, values, err)
			}
		})
	}
}

func TestReadRowsErrors(t *testing.T) {
	whole := gzipped(t, strings.Repeat("{\"x\":\"a\"}\n", 1000))
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"a.csv", []byte("x\n1\n"), `unknown kind of file ".csv"`},
		{"a.parquet", []byte("PAR1 and no more"), "not a Parquet file"},
		{"magic.parquet", []byte("PAR1....PAR1"), "parquet"},
		{"cut.jsonl", []byte("{\"x\":\"a\"}\n{\"x\":"), "malformed JSON"},
		{"two.jsonl", []byte("{\"x\":\"a\"}{\"x\":\"b\"}"), "malformed JSON"},
		{"latin1.jsonl", []byte("{\"x\":\"\xe9\"}"), "UTF-8"},
		{"scalar.jsonl", []byte("17\n"), "the row is a number, not an object"},
		{"cut.json", []byte(`[{"x":"a"},`), "row 2: the file ends within the array"},
		{"rest.json", []byte(`[{"x":"a"}] [`), "text after the array's end"},
		{"comma.json", []byte(`[{"x":"a"};{"x":"b"}]`), "row 2: expected comma"},
		{"cut.jsonl.gz", whole[:len(whole)-20], "unexpected EOF"},
		{"nul.jsonl", make([]byte, 100), "malformed JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := readAll(t, write(t, c.name, c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, _, err := readAll(t, filepath.Join(t.TempDir(), "none.jsonl")); !os.IsNotExist(err) {
		t.Errorf("missing file: %v", err)
	}
}

func TestReadLongLine(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	_, values, err := readAll(t, write(t, "a.jsonl", []byte(`{"x":"`+long+`"}`)))
	if err != nil || len(values) != 1 || values[0] != long {
		t.Errorf("%d values, %v", len(values), err)
	}
}

// TestReadParquet compares Arrow's file with the JSON lines it was made of.
func TestReadParquet(t *testing.T) {
	var want []fields
	for r, err := range readRows("testdata/rows.jsonl") {
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.decode()
		if err != nil {
			t.Fatal(err)
		}
		if kindOf(f.get("prompt")) == "a list" {
			want = append(want, f)
		}
	}
	n := 0
	for r, err := range readRows("testdata/rows.parquet") {
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.decode()
		if err != nil || n >= len(want) {
			t.Fatalf("%v: %v", r.place, err)
		}
		for _, name := range []string{"prompt", "chosen", "rejected"} {
			if !sameValue(got.get(name), want[n].get(name)) {
				t.Errorf("%v: field %q differs", r.place, name)
			}
		}
		if names := got.names(); names != "score, prompt, chosen, rejected, time, picture, names" {
			t.Errorf("%v: columns %s", r.place, names)
		}
		turns, err := got.objects("prompt")
		if err != nil || turns[0].names() != "role, content" {
			t.Errorf("%v: %v, %v", r.place, turns[0].names(), err)
		}
		n++
	}
	if n != len(want) || n < 10 {
		t.Errorf("%d rows, want %d", n, len(want))
	}
}

// TestReadParquetMaps: maps are objects, like structs.
func TestReadParquetMaps(t *testing.T) {
	var want fields
	for r, err := range readRows("testdata/rows.parquet") {
		if err != nil {
			t.Fatal(err)
		}
		want = r.fields
		break
	}
	for r, err := range readRows("testdata/maps.parquet") {
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"prompt", "chosen", "rejected"} {
			if !sameValue(r.fields.get(name), want.get(name)) {
				t.Errorf("field %q differs", name)
			}
		}
		extra, err := r.fields.object("chat_template_kwargs")
		if err != nil || extra.names() != "brief, thinking" || extra.get("brief") != nil || extra.get("thinking") != true {
			t.Errorf("chat_template_kwargs: %v, %v", extra, err)
		}
	}
}

func TestReadParquetIDs(t *testing.T) {
	n := 0
	for r, err := range readRows("testdata/ids.parquet") {
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.decode()
		if err != nil {
			t.Fatal(err)
		}
		x, err := tokenIDs.parse(f, target{vocabulary: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if got := x.(tokens); got.prompt[2] != int32(n) || got.chosen[0] != int32(3+n) || len(got.rejected) != n+1 {
			t.Errorf("row %d: %+v", n, got)
		}
		n++
	}
	if n != 150 {
		t.Errorf("%d rows", n)
	}
}

// TestDamagedParquet flips bytes all over a file: an error or other values, but
// no panic.
func TestDamagedParquet(t *testing.T) {
	whole, err := os.ReadFile("testdata/rows.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for at := 4; at < len(whole)-4; at += 37 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0xff
		for range readRows(write(t, "a.parquet", damaged)) {
		}
	}
}

func FuzzReadRows(f *testing.F) {
	for _, seed := range []string{
		"{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"}\n",
		"[{\"chosen\":[{\"role\":\"user\",\"content\":\"q\"}],\"rejected\":[]}]",
		"{\"chosen\":\"\\n\\nHuman: a\\n\\nAssistant: b\",\"rejected\":\"\\n\\nHuman: a\\n\\nAssistant:\"}",
		"{\"prompt_ids\":[1],\"chosen_ids\":[2],\"rejected_ids\":[-3]}",
		"\x1f\x8b\x08", "\xef\xbb\xbf[", "PAR1PAR1PAR1", "[1e999,", "{\"chosen\":\"\\ud800\"}",
	} {
		f.Add([]byte(seed))
	}
	parquet, err := os.ReadFile("testdata/ids.parquet")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(parquet)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "rows.jsonl")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for r, err := range readRows(path) {
			if err != nil {
				break
			}
			v, err := r.decode()
			if err != nil {
				continue
			}
			for _, format := range formats {
				x, err := format.parse(v, target{chat: true, vocabulary: 10})
				if (x == nil) == (err == nil) && err == nil {
					t.Errorf("%s: neither an example nor an error", format.name)
				}
			}
		}
	})
}
