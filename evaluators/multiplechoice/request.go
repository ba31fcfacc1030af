package multiplechoice

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// outOfRange is the gold index of a document whose answer is not among its
// choices; as in lm-eval, no choice is then right.
const outOfRange = -100

// question is a document as it is asked and judged.
type question struct {
	doc     py.Object
	choices []string // what acc_norm counts the characters of
	gold    int      // index of the right choice, or outOfRange
	target  string   // as lm-eval's files name the answer
	texts   []core.Text
}

// writer turns documents into questions.
type writer struct {
	d                    *Definition
	text, target, choice view
	description          *template
	chat                 chatOptions
}

// chatOptions say how a prompt becomes a conversation.
type chatOptions struct {
	template  bool // render with the model's chat template
	multiturn bool // each shot its own turns
	system    string
}

func newWriter(d *Definition, chat chatOptions) (*writer, error) {
	w := &writer{d: d, chat: chat}
	var err error
	for _, v := range []struct {
		to    *view
		entry any
	}{{&w.text, d.DocToText}, {&w.target, d.DocToTarget}, {&w.choice, d.DocToChoice}} {
		if *v.to, err = compileView(v.entry); err != nil {
			return nil, fmt.Errorf("task %q: %w", d.Task, err)
		}
	}
	if w.description, err = parseTemplate(d.Description); err != nil {
		return nil, fmt.Errorf("task %q: description: %w", d.Task, err)
	}
	return w, nil
}

// turn is a message and what follows it where the prompt is plain text.
type turn struct {
	core.Message
	after string
}

// ask writes the question of doc after its shots.
func (w *writer) ask(doc py.Object, shots []py.Object) (*question, error) {
	turns, err := w.preamble(doc, shots)
	if err != nil {
		return nil, err
	}
	q := &question{doc: doc}
	if q.choices, err = w.choices(doc); err != nil {
		return nil, err
	}
	if w.d.MultipleInput {
		return q, w.askInputs(q, turns)
	}
	target, err := w.answer(doc)
	if err != nil {
		return nil, err
	}
	q.target = py.Str(target)
	q.gold = goldIndex(target, q.choices)
	text, err := w.questionText(doc)
	if err != nil {
		return nil, err
	}
	t := w.prompt(append(turns, userTurn(text, "")))
	for i, c := range q.choices {
		if w.delimiter()+c == "" {
			return nil, fmt.Errorf("choice %d is empty, and under a chat template nothing would be scored", i)
		}
		t.Completions = append(t.Completions, w.delimiter()+c)
	}
	q.texts = []core.Text{t}
	return q, nil
}

// askInputs writes a question whose choices are contexts with one continuation.
func (w *writer) askInputs(q *question, turns []turn) error {
	gold, err := w.inputIndex(q.doc)
	if err != nil {
		return err
	}
	target, err := w.answer(q.doc)
	if err != nil {
		return err
	}
	q.gold, q.target = goldIndex(gold, q.choices), py.Str(target)
	if w.delimiter()+q.target == "" {
		return errors.New("the text to be scored is empty")
	}
	for _, context := range q.choices {
		t := w.prompt(append(turns[:len(turns):len(turns)], userTurn(context, "")))
		t.Completions = []string{w.delimiter() + q.target}
		q.texts = append(q.texts, t)
	}
	return nil
}

// preamble is the system message, if any, and the shots.
func (w *writer) preamble(doc py.Object, shots []py.Object) ([]turn, error) {
	description, err := w.description.text(doc)
	if err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	var turns []turn
	if s := join(w.chat.system, description, w.d.fewshotDelimiter()); s != "" {
		turns = append(turns, turn{Message: core.Message{Role: "system", Content: s}})
	}
	for i, shot := range shots {
		text, answer, err := w.shot(shot)
		if err != nil {
			return nil, fmt.Errorf("shot %d: %w", i, err)
		}
		turns = append(turns, userTurn(text, w.d.targetDelimiter()),
			turn{core.Message{Role: "assistant", Content: answer}, w.d.fewshotDelimiter()})
	}
	return turns, nil
}

// shot returns a document's question and its right answer.
func (w *writer) shot(doc py.Object) (text, answer string, err error) {
	choices, err := w.choices(doc)
	if err != nil {
		return "", "", err
	}
	target, err := w.answer(doc)
	if err != nil {
		return "", "", err
	}
	if w.d.MultipleInput {
		i, err := w.inputIndex(doc)
		if err != nil {
			return "", "", err
		}
		text, err = pick(choices, i)
		return text, py.Str(target), err
	}
	if text, err = w.questionText(doc); err != nil {
		return "", "", err
	}
	if i, ok := target.(int64); ok {
		answer, err = pick(choices, i)
		return text, answer, err
	}
	return text, py.Str(target), nil
}

func pick(choices []string, i int64) (string, error) {
	if i < 0 || i >= int64(len(choices)) {
		return "", fmt.Errorf("answer %d is outside its %d choices", i, len(choices))
	}
	return choices[i], nil
}

func (w *writer) questionText(doc py.Object) (string, error) {
	v, err := w.text(doc)
	if err != nil {
		return "", fmt.Errorf("doc_to_text: %w", err)
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("doc_to_text: %s is no text", py.Str(v))
	}
	return s, nil
}

func (w *writer) inputIndex(doc py.Object) (int64, error) {
	v, err := w.text(doc)
	if err != nil {
		return 0, fmt.Errorf("doc_to_text: %w", err)
	}
	i, ok := integer(v).(int64)
	if !ok {
		return 0, fmt.Errorf("doc_to_text: %s is no index of a choice", py.Str(v))
	}
	return i, nil
}

// answer is the right answer: an index, or the text of a choice.
func (w *writer) answer(doc py.Object) (any, error) {
	v, err := w.target(doc)
	if err != nil {
		return nil, fmt.Errorf("doc_to_target: %w", err)
	}
	if !w.d.MultipleInput {
		v = integer(v)
	}
	switch v.(type) {
	case int64, string:
		return v, nil
	}
	return nil, fmt.Errorf("doc_to_target: %s is neither an index nor a text", py.Str(v))
}

// integer reads digits and booleans as an index, as lm-eval does.
func integer(v any) any {
	switch v := v.(type) {
	case string:
		if n, err := strconv.ParseUint(v, 10, 62); err == nil {
			return int64(n)
		}
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	}
	return v
}

func (w *writer) choices(doc py.Object) ([]string, error) {
	v, err := w.choice(doc)
	if err != nil {
		return nil, fmt.Errorf("doc_to_choice: %w", err)
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, errors.New("doc_to_choice: it gives no list of choices")
	}
	choices := make([]string, len(list))
	for i, c := range list {
		if choices[i], ok = c.(string); !ok {
			return nil, fmt.Errorf("doc_to_choice: choice %d is %s and no text", i, py.Str(c))
		}
		if !utf8.ValidString(choices[i]) {
			return nil, fmt.Errorf("doc_to_choice: choice %d is no valid UTF-8", i)
		}
	}
	return choices, nil
}

// goldIndex returns the index that target stands for.
func goldIndex(target any, choices []string) int {
	switch t := target.(type) {
	case int64:
		if t < int64(len(choices)) {
			return int(max(t, outOfRange))
		}
	case string:
		for i, c := range choices {
			if c == t {
				return i
			}
		}
	}
	return outOfRange
}

// delimiter stands before a choice that is scored: nothing where a chat template
// has put the answer on a line of its own.
func (w *writer) delimiter() string {
	if w.chat.template {
		return ""
	}
	return w.d.targetDelimiter()
}

func userTurn(content, after string) turn {
	return turn{core.Message{Role: "user", Content: content}, after}
}

// prompt makes one text or conversation out of the turns.
func (w *writer) prompt(turns []turn) core.Text {
	if !w.chat.template {
		return core.Text{Prompt: plain(turns)}
	}
	if w.chat.multiturn {
		t := core.Text{}
		for _, turn := range turns {
			t.Messages = append(t.Messages, turn.Message)
		}
		return t
	}
	t := core.Text{}
	if turns[0].Role == "system" {
		t.Messages = append(t.Messages, turns[0].Message)
		turns = turns[1:]
	}
	t.Messages = append(t.Messages, core.Message{Role: "user", Content: plain(turns)})
	return t
}

func plain(turns []turn) string {
	var b strings.Builder
	for _, t := range turns {
		b.WriteString(t.Content)
		b.WriteString(t.after)
	}
	return b.String()
}

// join puts the delimiter between two texts unless one of them has white space
// there or is empty (maybe_delimit in lm-eval's api/utils.py).
func join(a, b, delimiter string) string {
	if a == "" || b == "" {
		return a + b
	}
	last, _ := utf8.DecodeLastRuneInString(a)
	first, _ := utf8.DecodeRuneInString(b)
	if py.IsSpace(last) || py.IsSpace(first) {
		return a + b
	}
	return a + delimiter + b
}
