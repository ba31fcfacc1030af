package record_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stepwise-dpo/stepwise/core/record"
)

func create(t *testing.T) *record.Folder {
	t.Helper()
	f, err := record.Create(filepath.Join(t.TempDir(), "runs", "one"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestExistingFolder: a run never writes into another's folder.
func TestExistingFolder(t *testing.T) {
	f := create(t)
	if err := os.WriteFile(f.Path(".stepwise-new-config.toml-1"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Create(f.Path()); err != nil {
		t.Errorf("a folder in which nothing was finished is refused: %v", err)
	}
	if err := f.WriteJSON("notes.json", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Create(f.Path()); err == nil || strings.Contains(err.Error(), "--resume") {
		t.Errorf("Create where others' files are: %v, want an error that does not name --resume", err)
	}
	if _, err := record.Open(f.Path()); err == nil {
		t.Error("a folder without config.toml was opened as a run's")
	}
	if err := f.WriteJSON("config.toml", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Create(f.Path()); err == nil || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("second Create: %v, want an error that names --resume", err)
	}
}

// TestFailedWrite leaves the old file and nothing beside it.
func TestFailedWrite(t *testing.T) {
	f := create(t)
	if err := f.WriteJSON("a/x.json", 1); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	err := f.WriteFile("a/x.json", func(w io.Writer) error {
		io.WriteString(w, "half")
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v, want the cause wrapped", err)
	}
	err = f.WriteDir("a/model", func(dir string) error {
		os.WriteFile(filepath.Join(dir, "half"), nil, 0o644)
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v, want the cause wrapped", err)
	}
	entries, err := os.ReadDir(f.Path("a"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	var v int
	if err := f.ReadJSON("a/x.json", &v); err != nil || v != 1 {
		t.Errorf("the old file holds %d, %v", v, err)
	}
}

// TestWriteDirReplaces: the newer folder takes the older's place whole.
func TestWriteDirReplaces(t *testing.T) {
	f := create(t)
	for _, name := range []string{"old", "new"} {
		err := f.WriteDir("state", func(dir string) error { return os.WriteFile(filepath.Join(dir, name), nil, 0o644) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if f.Has("state", "old") || !f.Has("state", "new") {
		t.Error("the old content is still there, or the new is not")
	}
	if entries, _ := os.ReadDir(f.Path()); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// TestSweep: what was being written goes, what was being replaced comes back, the
// user's own files stay; the folder's name is no pattern.
func TestSweep(t *testing.T) {
	f, err := record.Create(filepath.Join(t.TempDir(), "exp[1]", "run"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{
		"step-1/.stepwise-old-state/here", "step-1/.stepwise-new-state-123", "step-1/model/.git", "step-2/.stepwise-old-state",
		"step-2/state/here", ".stepwise-new-plan.json-7", "eval/S/.stepwise-new-x-1", ".git/objects", ".gitignore",
	} {
		if err := os.MkdirAll(f.Path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Sweep(); err != nil {
		t.Fatal(err)
	}
	var left []string
	err = fs.WalkDir(os.DirFS(f.Path()), ".", func(path string, _ fs.DirEntry, err error) error {
		left = append(left, path)
		return err
	})
	want := []string{
		".", ".git", ".git/objects", ".gitignore", "eval", "eval/S", "step-1", "step-1/model", "step-1/model/.git",
		"step-1/state", "step-1/state/here", "step-2", "step-2/state", "step-2/state/here",
	}
	if err != nil || !slices.Equal(left, want) {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestMetricsResume: lines after the checkpoint, and half a line, are cut off.
func TestMetricsResume(t *testing.T) {
	f := create(t)
	log, err := record.OpenMetrics(f, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}, {2, 2}, {2, 3}} {
		if err := log.Append(record.Metrics{Step: at[0], Update: at[1], Loss: 0.5}); err != nil {
			t.Fatal(err)
		}
	}
	log.Close()
	file, err := os.OpenFile(f.Path("metrics.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	file.WriteString(`{"step": 2, "upd`)
	file.Close()

	log, err = record.OpenMetrics(f, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Append(record.Metrics{Step: 2, Update: 2, Loss: 0.25}); err != nil {
		t.Fatal(err)
	}
	log.Close()
	rows, err := record.ReadMetrics(f)
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	for _, r := range rows {
		losses = append(losses, r.Loss)
	}
	if !slices.Equal(losses, []float64{0.5, 0.5, 0.5, 0.25}) {
		t.Errorf("losses %v", losses)
	}
	if got := lossEvents(t, f); !slices.Equal(got, losses) {
		t.Errorf("TensorBoard has losses %v, metrics.jsonl %v", got, losses)
	}
}

// lossEvents reads train/loss back from the event file, checking every CRC.
func lossEvents(t *testing.T, f *record.Folder) []float64 {
	t.Helper()
	files, err := filepath.Glob(f.Path("tb", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("event files %v, %v", files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	for len(raw) > 0 {
		n := binary.LittleEndian.Uint64(raw)
		data := raw[12 : 12+n]
		checkCRC(t, raw[:8], raw[8:12])
		checkCRC(t, data, raw[12+n:16+n])
		raw = raw[16+n:]
		for _, value := range messages(t, field(t, data, 5), 1) {
			if string(field(t, value, 1)) == "train/loss" {
				_, _, skip := protowire.ConsumeField(value)
				_, _, tag := protowire.ConsumeTag(value[skip:])
				bits, _ := protowire.ConsumeFixed32(value[skip+tag:])
				losses = append(losses, float64(math.Float32frombits(bits)))
			}
		}
	}
	return losses
}

func checkCRC(t *testing.T, data, stored []byte) {
	t.Helper()
	c := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	if want := (c>>15 | c<<17) + 0xa282ead8; binary.LittleEndian.Uint32(stored) != want {
		t.Errorf("CRC %x, want %x", stored, want)
	}
}

// field returns the bytes of the first occurrence of a length-delimited field.
func field(t *testing.T, m []byte, number protowire.Number) []byte {
	if all := messages(t, m, number); len(all) > 0 {
		return all[0]
	}
	return nil
}

func messages(t *testing.T, m []byte, number protowire.Number) (found [][]byte) {
	t.Helper()
	for len(m) > 0 {
		n, kind, tag := protowire.ConsumeTag(m)
		size := protowire.ConsumeFieldValue(n, kind, m[tag:])
		if tag < 0 || size < 0 {
			t.Fatal("no protobuf message")
		}
		if n == number && kind == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(m[tag:])
			found = append(found, v)
		}
		m = m[tag+size:]
	}
	return found
}

// TestNumber: NaN passes through JSON as null.
func TestNumber(t *testing.T) {
	f := create(t)
	in := record.Summary{Models: []record.ModelSummary{{Name: "S", Gamma: map[string]record.Gamma{"a": {Mean: -1.5, LengthMatched: record.Number(math.NaN())}}}}}
	if err := f.WriteJSON("summary.json", in); err != nil {
		t.Fatal(err)
	}
	var out record.Summary
	if err := f.ReadJSON("summary.json", &out); err != nil {
		t.Fatal(err)
	}
	if g := out.Models[0].Gamma["a"]; g.Mean != -1.5 || !math.IsNaN(float64(g.LengthMatched)) {
		t.Errorf("gamma %+v", g)
	}
}
