package results

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// writeSamples writes a task's samples, a line of JSON each.
func writeSamples(w io.Writer, t Task) error {
	for i, s := range t.Samples {
		if _, err := io.WriteString(w, py.DumpJSON(s.record(i, t.Metrics), py.Format{})+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// record is a sample in lm-eval's layout.
func (s *Sample) record(id int, metrics []string) py.Object {
	arguments := py.Object{}
	var responses, filtered []any
	for i, r := range s.Requests {
		arguments.Set(fmt.Sprintf("gen_args_%d", i), py.Object{{Key: "arg_0", Value: r.Prompt}, {Key: "arg_1", Value: r.Completion}})
		pair := []any{py.FloatRepr(r.LogProb), py.Str(r.Greedy)}
		responses = append(responses, []any{pair})
		filtered = append(filtered, pair)
	}
	h := s.Hashes()
	record := py.Object{
		{Key: "doc_id", Value: id},
		{Key: "doc", Value: s.Doc},
		{Key: "target", Value: s.Target},
		{Key: "arguments", Value: arguments},
		{Key: "resps", Value: responses},
		{Key: "filtered_resps", Value: filtered},
		{Key: "filter", Value: "none"},
		{Key: "metrics", Value: metrics},
		{Key: "doc_hash", Value: h.Doc},
		{Key: "prompt_hash", Value: h.Prompt},
		{Key: "target_hash", Value: h.Target},
	}
	for _, m := range metrics {
		record.Set(m, s.Values[m])
	}
	return record
}

// Hashes are lm-eval's of a sample, sha256 in hex.
type Hashes struct{ Doc, Prompt, Target string }

// Hashes are of the document, the first request's prompt and the target.
func (s *Sample) Hashes() Hashes {
	return Hashes{
		Doc:    sha256Hex(py.DumpJSON(s.Doc, py.Format{Indent: 2})),
		Prompt: sha256Hex(s.Requests[0].Prompt),
		Target: sha256Hex(s.Target),
	}
}

// Hash covers the hashes of all samples.
func (t *Task) Hash() string {
	var b strings.Builder
	for _, s := range t.Samples {
		h := s.Hashes()
		b.WriteString(h.Doc + h.Prompt + h.Target)
	}
	return sha256Hex(b.String())
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// document is what a comparison needs of a sample.
type document struct {
	hash   string
	values map[string]float64
}

// readSamples reads what writeSamples wrote.
func readSamples(path string) ([]document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows, err := py.ParseLines(data)
	if err == nil && len(rows) == 0 {
		err = errors.New("it holds no samples")
	}
	if err != nil {
		return nil, fmt.Errorf("samples file %q: %w", path, err)
	}
	docs := make([]document, len(rows))
	for i, row := range rows {
		if docs[i], err = documentOf(row); err != nil {
			return nil, fmt.Errorf("samples file %q: line %d: %w", path, i+1, err)
		}
	}
	return docs, nil
}

func documentOf(row py.Object) (document, error) {
	hash, _ := row.Get("doc_hash")
	d := document{py.Str(hash), map[string]float64{}}
	for _, metric := range row.Texts("metrics") {
		v, _ := row.Get(metric)
		f, ok := v.(float64)
		if !ok {
			return d, fmt.Errorf("metric %q is %s and no number", metric, py.Str(v))
		}
		d.values[metric] = f
	}
	return d, nil
}
