package preference

import "fmt"

// orca is OpenOrca's questions with two answers, in both layouts in use: as
// orca_dpo_pairs has it (strings) and as hosted preference tuning takes it
// (messages).
var orca = format{
	name:   "orca",
	layout: "input: {messages}, preferred_output, non_preferred_output: messages; or system, question, chosen, rejected: strings",
	recognises: func(f fields) bool {
		_, text := f.get("chosen").(string)
		return f.has("input", "preferred_output", "non_preferred_output") || text && f.has("question", "rejected")
	},
	parse: func(f fields, t target) (example, error) {
		if f.has("question") {
			return parseQuestion(f, t, "system", "question")
		}
		return parsePreferredOutput(f)
	},
}

func parsePreferredOutput(f fields) (example, error) {
	input, err := f.object("input")
	if err != nil {
		return nil, err
	}
	c := conversation{}
	if c.prompt, err = input.messages("messages"); err != nil {
		return nil, fmt.Errorf("field %q: %w", "input", err)
	}
	if c.chosen, err = f.messages("preferred_output"); err != nil {
		return nil, err
	}
	if c.rejected, err = f.messages("non_preferred_output"); err != nil {
		return nil, err
	}
	return c.withTemplateFields(input)
}
