package preference

import (
	"fmt"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/core/chat"
)

// trl is TRL's preference format in its four kinds: plain text or messages, the
// prompt given or implied by what chosen and rejected share. A prompt that is
// text beside completions that are messages repeats their first turn, as in
// ultrafeedback_binarized, and is ignored in favour of it.
var trl = format{
	name:       "trl",
	layout:     "prompt (optional), chosen, rejected: strings or messages",
	recognises: func(f fields) bool { return f.has("chosen", "rejected") },
	parse: func(f fields, _ target) (example, error) {
		if _, ok := f.get("chosen").(*chat.List); ok {
			return trlMessages(f)
		}
		return trlText(f)
	},
}

// trlText reads a row of strings.
func trlText(f fields) (example, error) {
	t, err := f.texts("chosen", "rejected")
	if err != nil {
		return nil, err
	}
	if !f.has("prompt") {
		return extractText(t[0], t[1]), nil
	}
	prompt, err := f.text("prompt")
	return plain{prompt, t[0], t[1]}, err
}

// extractText finds the prompt as TRL's extract_prompt does: the characters that
// both share, without a space at the end; where one is the beginning of the
// other, the shorter without its last character.
func extractText(chosen, rejected string) plain {
	if chosen == "" || rejected == "" {
		return plain{"", chosen, rejected}
	}
	n, last := 0, 0 // bytes shared; where the last shared character begins
	for n < len(chosen) && n < len(rejected) {
		r, size := utf8.DecodeRuneInString(chosen[n:])
		if s, _ := utf8.DecodeRuneInString(rejected[n:]); r != s {
			break
		}
		last, n = n, n+size
	}
	if n == len(chosen) || n == len(rejected) || n > 0 && chosen[last] == ' ' {
		n = last
	}
	return plain{chosen[:n], chosen[n:], rejected[n:]}
}

// trlMessages reads a row of messages.
func trlMessages(f fields) (example, error) {
	chosen, err := f.messages("chosen")
	if err != nil {
		return nil, err
	}
	rejected, err := f.messages("rejected")
	if err != nil {
		return nil, err
	}
	var c conversation
	if _, ok := f.get("prompt").(string); ok || !f.has("prompt") {
		c, err = extractMessages(chosen, rejected)
	} else {
		c.chosen, c.rejected = chosen, rejected
		c.prompt, err = f.messages("prompt")
	}
	if err != nil {
		return nil, err
	}
	return c.withTemplateFields(f)
}

// extractMessages takes the turns that both share as the prompt and leaves each
// at least one.
func extractMessages(chosen, rejected []message) (conversation, error) {
	n := 0
	for n < min(len(chosen), len(rejected))-1 && sameValue(chosen[n], rejected[n]) {
		n++
	}
	if n == 0 {
		return conversation{}, errNoPrompt
	}
	return conversation{prompt: chosen[:n], chosen: chosen[n:], rejected: rejected[n:]}, nil
}

// withTemplateFields adds what TRL hands from the row to the chat template:
// tools (a list, or the same as JSON; LLaMA-Factory writes "" for none) and
// chat_template_kwargs.
func (c conversation) withTemplateFields(f fields) (example, error) {
	c.tools = f.get("tools")
	if s, ok := c.tools.(string); ok && s == "" {
		c.tools = nil
	} else if ok {
		var err error
		if c.tools, err = chat.ParseJSON([]byte(s)); err != nil {
			return nil, fmt.Errorf("field %q: malformed JSON: %w", "tools", err)
		}
	}
	if !f.has("chat_template_kwargs") {
		return c, nil
	}
	extra, err := f.object("chat_template_kwargs")
	if err != nil {
		return nil, err
	}
	c.extra = map[string]any{}
	for _, key := range extra.Keys() {
		c.extra[key] = extra.get(key)
	}
	return c, nil
}
