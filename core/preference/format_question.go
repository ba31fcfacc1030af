package preference

import (
	"fmt"
	"strings"

	"github.com/stepwise-dpo/stepwise/core/chat"
)

// ultraFeedback is UltraFeedback as rows of text with the scores in metadata.
// Its prompts are what a user wrote, so they go through the chat template.
var ultraFeedback = format{
	name:   "ultrafeedback",
	layout: "prompt, chosen, rejected: strings; metadata: {score_chosen, score_rejected}",
	recognises: func(f fields) bool {
		_, text := f.get("chosen").(string)
		return text && f.has("prompt", "rejected", "metadata", "source_index")
	},
	parse: func(f fields, t target) (example, error) { return parseQuestion(f, t, "", "prompt") },
}

// parseQuestion reads a row of strings: a question, chosen, rejected, and a
// system message where systemField is named and not empty.
func parseQuestion(f fields, t target, systemField, questionField string) (example, error) {
	q, err := f.texts(questionField, "chosen", "rejected")
	if err != nil {
		return nil, err
	}
	system := ""
	if f.has(systemField) {
		if system, err = f.text(systemField); err != nil {
			return nil, err
		}
	}
	return question(system, q[0], q[1], q[2], t), nil
}

// question is a user's question and two answers, in the form that the model
// knows.
func question(system, prompt, chosen, rejected string, t target) example {
	if !t.chat {
		if system != "" {
			prompt = system + "\n\n" + prompt
		}
		return plain{prompt, chosen, rejected}
	}
	var turns []message
	if system != "" {
		turns = append(turns, turn("system", system))
	}
	return conversation{
		prompt:   append(turns, turn("user", prompt)),
		chosen:   []message{turn("assistant", chosen)},
		rejected: []message{turn("assistant", rejected)},
	}
}

func turn(role, content string) message {
	return chat.Message{Role: role, Content: content}.Object()
}

// pandaLM is PandaLM's test set: two responses and three people's votes, 1 or 2
// for the better one and 0 for a tie. The majority decides.
var pandaLM = format{
	name:       "pandalm",
	layout:     "instruction, input, response1, response2, annotator1, annotator2, annotator3",
	recognises: func(f fields) bool { return f.has("instruction", "response1", "response2", "annotator1") },
	parse:      parsePandaLM,
}

func parsePandaLM(f fields, t target) (example, error) {
	texts, err := f.texts("instruction", "input")
	if err != nil {
		return nil, err
	}
	instruction := strings.TrimSuffix(strings.Join(texts, "\n"), "\n")
	first, err := f.answer("response1")
	if err != nil {
		return nil, err
	}
	second, err := f.answer("response2")
	if err != nil {
		return nil, err
	}
	winner, err := f.majority("annotator1", "annotator2", "annotator3")
	switch {
	case err != nil:
		return nil, err
	case winner == 1:
		return question("", instruction, first, second, t), nil
	case winner == 2:
		return question("", instruction, second, first, t), nil
	}
	return nil, errTie
}

// answer returns a string field; a boolean is the word that became one when the
// data set passed through YAML.
func (f fields) answer(name string) (string, error) {
	switch f.get(name) {
	case true:
		return "True", nil
	case false:
		return "False", nil
	}
	return f.text(name)
}

// majority returns the vote that at least two of three fields hold, or 0.
func (f fields) majority(names ...string) (int, error) {
	var votes [3]int
	for _, name := range names {
		v, ok := f.get(name).(int64)
		if !ok || v < 0 || v > 2 {
			return 0, fmt.Errorf("field %q is %s, not a vote (0, 1 or 2)", name, describe(f.get(name)))
		}
		votes[v]++
	}
	for vote, n := range votes {
		if n >= 2 {
			return vote, nil
		}
	}
	return 0, nil
}
