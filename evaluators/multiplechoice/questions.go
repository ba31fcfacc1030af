package multiplechoice

import (
	"context"
	"fmt"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

var _ core.Questioner = (*Evaluator)(nil)

// Questions implements core.Questioner. Whatever the limit, they are those of all
// documents of the split that is evaluated.
func (e *Evaluator) Questions(ctx context.Context) ([]core.Question, error) {
	data := newLibrary(e.options.Data)
	var all []core.Question
	err := e.eachTask(ctx, func(d *Definition) error {
		list, err := questions(ctx, data, d)
		all = append(all, list...)
		return err
	})
	return all, err
}

func questions(ctx context.Context, data *library, d *Definition) ([]core.Question, error) {
	read, entry := data.raw, d.Question
	if entry == "" {
		read, entry = data.split, d.DecontaminationQuery
	}
	if entry == "" && !d.MultipleInput { // whose text is an index
		entry = d.DocToText
	}
	if entry == "" {
		core.ReporterFrom(ctx).Note(fmt.Sprintf("task %q: its questions are not looked for in the training data; its setting question would name them", d.Task))
		return nil, nil
	}
	text, err := compileView(entry)
	if err != nil {
		return nil, fmt.Errorf("task %q: question: %w", d.Task, err)
	}
	docs, err := read(ctx, d, d.evalSplit())
	if err != nil {
		return nil, err
	}
	list, plain := make([]core.Question, len(docs)), true
	for i, doc := range docs {
		v, err := text(doc)
		if err != nil {
			return nil, fmt.Errorf("task %q: document %d: question: %w", d.Task, i, err)
		}
		list[i] = core.Question{Task: d.Task, Text: py.Str(v)}
		plain = plain && list[i].Text == entry
	}
	if plain && len(docs) > 0 && entry != d.DocToText { // which may be one text for all
		return nil, fmt.Errorf("task %q: question %q is neither a field of its documents nor a template", d.Task, entry)
	}
	return list, nil
}
