package multiplechoice

import (
	"fmt"
	"io"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// writeSamples writes a task's samples, a line of JSON each.
func writeSamples(w io.Writer, r *run) error {
	for i, s := range r.samples {
		if _, err := io.WriteString(w, py.DumpJSON(s.record(i, r.d), py.Format{})+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// record is a sample in lm-eval's layout.
func (s *sample) record(id int, d *Definition) py.Object {
	arguments := py.Object{}
	var responses, filtered []any
	for i, r := range s.requests() {
		arguments.Set(fmt.Sprintf("gen_args_%d", i), py.Object{{Key: "arg_0", Value: r.prompt}, {Key: "arg_1", Value: r.completion}})
		pair := []any{py.FloatRepr(s.lls[i]), py.Str(s.greedy[i])}
		responses = append(responses, []any{pair})
		filtered = append(filtered, pair)
	}
	h := s.hashes()
	record := py.Object{
		{Key: "doc_id", Value: id},
		{Key: "doc", Value: s.doc},
		{Key: "target", Value: s.target},
		{Key: "arguments", Value: arguments},
		{Key: "resps", Value: responses},
		{Key: "filtered_resps", Value: filtered},
		{Key: "filter", Value: "none"},
		{Key: "metrics", Value: d.Metrics},
		{Key: "doc_hash", Value: h.doc},
		{Key: "prompt_hash", Value: h.prompt},
		{Key: "target_hash", Value: h.target},
	}
	for _, m := range d.Metrics {
		record.Set(m, s.values[m])
	}
	return record
}

// request is what lm-eval asks of a model: a prompt and one completion.
type request struct{ prompt, completion string }

// requests lists the sample's requests, one for each choice.
func (s *sample) requests() []request {
	var list []request
	for i, t := range s.texts {
		for _, c := range t.Completions {
			list = append(list, request{s.prompts[i], c})
		}
	}
	return list
}

// hashes are sha256 in hex.
type hashes struct{ doc, prompt, target string }

func (s *sample) hashes() hashes {
	return hashes{
		doc:    sha256Hex(py.DumpJSON(s.doc, py.Format{Indent: 2})),
		prompt: sha256Hex(s.prompts[0]),
		target: sha256Hex(s.target),
	}
}

// taskHash covers the hashes of all samples.
func (r *run) taskHash() string {
	var b strings.Builder
	for _, s := range r.samples {
		h := s.hashes()
		b.WriteString(h.doc + h.prompt + h.target)
	}
	return sha256Hex(b.String())
}
