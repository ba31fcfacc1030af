package multiplechoice

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Definition is a task as a TOML file describes it. The names and their meaning
// are those of lm-eval's YAML files, whose templates can be taken over.
type Definition struct {
	// Include names a file of the same folder whose settings are taken first.
	Include string `toml:"include"`
	// Each makes one task for each name: $name in the other settings becomes
	// the name, $words the name with spaces for underscores.
	Each []string `toml:"each"`

	Task    string   `toml:"task"`
	Alias   string   `toml:"task_alias"` // as printed; default: Task
	Aliases []string `toml:"aliases"`    // other names a user may ask for

	DatasetPath     string `toml:"dataset_path"` // on the hub: "allenai/ai2_arc"
	DatasetName     string `toml:"dataset_name"` // its configuration, if it has several
	TrainingSplit   string `toml:"training_split"`
	ValidationSplit string `toml:"validation_split"`
	TestSplit       string `toml:"test_split"`
	FewshotSplit    string `toml:"fewshot_split"`
	// Files are further places of the data, in other layouts than the hub's.
	Files []File `toml:"files"`

	// Fields and AddFields are "name = expression" each; they replace or extend
	// the fields of every document.
	Fields    []string `toml:"fields"`
	AddFields []string `toml:"add_fields"`

	// DocToText and DocToTarget name a field or are a template; DocToChoice may
	// also be a list. With MultipleInput the choices are contexts, the target is
	// what is scored after each, and the text is the index of the right one.
	DocToText     string `toml:"doc_to_text"`
	DocToTarget   any    `toml:"doc_to_target"`
	DocToChoice   any    `toml:"doc_to_choice"`
	MultipleInput bool   `toml:"multiple_input"`

	Description      string  `toml:"description"`
	TargetDelimiter  *string `toml:"target_delimiter"`  // default " "
	FewshotDelimiter *string `toml:"fewshot_delimiter"` // default "\n\n"
	Sampler          string  `toml:"sampler"`           // "default" or "first_n"
	NumFewshot       *int    `toml:"num_fewshot"`

	Metrics        []string `toml:"metrics"`         // acc, acc_norm, acc_bytes
	ProcessResults string   `toml:"process_results"` // another rule than multiple choice

	DecontaminationQuery string  `toml:"doc_to_decontamination_query"`
	Version              float64 `toml:"version"`

	// Question is what is looked for in training data: one of the hub's fields, or
	// a template of them. Default: DecontaminationQuery or else DocToText, of the
	// task's own fields.
	Question string `toml:"question"`
}

// File is a place of data beside the hub's layout.
type File struct {
	// Path is below the data folder; {split}, {task} and {name} stand for the
	// split, the task and the data set's configuration.
	Path string `toml:"path"`
	// Split, where not empty, is the only split that the file holds.
	Split string `toml:"split"`
	// Columns name a CSV file's columns; Header says whether its first line
	// names them too (default true).
	Columns []string `toml:"columns"`
	Header  *bool    `toml:"header"`
	// Row makes a document of the hub's layout out of one of the file's:
	// "name = expression" each.
	Row []string `toml:"row"`
}

func (f File) hasHeader() bool { return f.Header == nil || *f.Header }

// check reports everything that is wrong with the definition.
func (d *Definition) check() error {
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	need(d.Task != "", "task is missing")
	need(d.DocToText != "", "doc_to_text is missing")
	need(d.DocToChoice != nil, "doc_to_choice is missing")
	need(d.DocToTarget != nil, "doc_to_target is missing")
	need(d.evalSplit() != "", "neither test_split nor validation_split is given")
	need(d.DatasetPath != "" || len(d.Files) > 0, "neither dataset_path nor files are given")
	need(slices.Contains([]string{"", "default", "first_n"}, d.Sampler),
		"sampler %q is not known; there are: default, first_n", d.Sampler)
	_, known := resultRules[d.ProcessResults]
	need(known, "process_results %q is not known; there are: %s", d.ProcessResults, ruleNames())
	if known {
		need(len(d.Metrics) > 0, "metrics are missing")
		for _, m := range d.Metrics {
			need(slices.Contains(resultRules[d.ProcessResults].metrics, m), "metric %q is not known; there are: %s",
				m, strings.Join(resultRules[d.ProcessResults].metrics, ", "))
		}
	}
	need(d.NumFewshot == nil || *d.NumFewshot >= 0, "num_fewshot is negative")
	return errors.Join(append(faults, d.templateFaults()...)...)
}

// templateFaults are the texts and fields that do not parse.
func (d *Definition) templateFaults() []error {
	var faults []error
	text := func(key string, entry any) {
		if _, err := compileView(entry); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", key, err))
		}
	}
	fields := func(key string, entries []string) {
		if _, err := compileMapping(entries); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", key, err))
		}
	}
	text("doc_to_text", d.DocToText)
	text("doc_to_target", d.DocToTarget)
	text("doc_to_choice", d.DocToChoice)
	text("description", d.Description)
	text("doc_to_decontamination_query", d.DecontaminationQuery)
	text("question", d.Question)
	fields("fields", d.Fields)
	fields("add_fields", d.AddFields)
	for _, f := range d.Files {
		fields(fmt.Sprintf("files %q: row", f.Path), f.Row)
	}
	return faults
}

// evalSplit is the split that is evaluated, as lm-eval chooses it.
func (d *Definition) evalSplit() string {
	if d.TestSplit != "" {
		return d.TestSplit
	}
	return d.ValidationSplit
}

// poolSplit is the split that shots are drawn from.
func (d *Definition) poolSplit() string {
	for _, s := range []string{d.FewshotSplit, d.TrainingSplit, d.ValidationSplit} {
		if s != "" {
			return s
		}
	}
	return d.TestSplit
}

// poolHoldsDoc says whether lm-eval takes the evaluated document for one of the
// pool, and so draws one shot more: it compares fewshot_split with test_split,
// and finds them equal where both are absent.
func (d *Definition) poolHoldsDoc() bool { return d.FewshotSplit == d.TestSplit }

func (d *Definition) targetDelimiter() string  { return orDefault(d.TargetDelimiter, " ") }
func (d *Definition) fewshotDelimiter() string { return orDefault(d.FewshotDelimiter, "\n\n") }

func orDefault(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

// view computes fields of a document, or one of its texts.
type view func(doc py.Object) (any, error)

// compileView makes a view of a definition's entry: a list or a number is
// itself, a string the name of a field or a template.
func compileView(entry any) (view, error) {
	source, ok := entry.(string)
	if !ok {
		return func(py.Object) (any, error) { return entry, nil }, nil
	}
	t, err := parseTemplate(source)
	if err != nil {
		return nil, err
	}
	return func(doc py.Object) (any, error) {
		if v, ok := doc.Get(source); ok {
			return v, nil
		}
		return t.value(doc)
	}, nil
}

// mapping makes documents out of documents.
type mapping []field

type field struct {
	name  string
	value *template
}

// compileMapping reads "name = expression" entries.
func compileMapping(entries []string) (mapping, error) {
	m := make(mapping, len(entries))
	for i, e := range entries {
		name, source, ok := strings.Cut(e, "=")
		if !ok {
			return nil, fmt.Errorf("field %q is not of the form name = expression", e)
		}
		value, err := parseExpression(source)
		if err != nil {
			return nil, err
		}
		m[i] = field{strings.TrimSpace(name), value}
	}
	return m, nil
}

// apply computes the fields from doc and sets them in into.
func (m mapping) apply(doc py.Object, into *py.Object) error {
	for _, f := range m {
		v, err := f.value.value(doc)
		if err != nil {
			return fmt.Errorf("field %q: %w", f.name, err)
		}
		into.Set(f.name, v)
	}
	return nil
}
